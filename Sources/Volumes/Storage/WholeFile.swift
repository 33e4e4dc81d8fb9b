import Basics
import Glibc

/// A small file of the catalog's own that is read and replaced as a whole: a recipe, a receipt, a count.
///
/// That there is no file is an answer; that it cannot be read is an error. Bytes are not written by Foundation, which begins
/// anew at the first byte where the system takes fewer bytes than it was given.
package struct WholeFile {
    /// The file; where the path led to another one by symbolic links, that one.
    package let path: String

    /// - Throws: ``VolumeError`` where the system does not say what is at the path, or a link leads nowhere.
    package init(_ path: String) throws(VolumeError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .cannotOpen(path, errno: errno) }
            self.path = path
            return
        }
        guard status.st_mode & S_IFMT == S_IFLNK else {
            self.path = path
            return
        }
        guard let target = realpath(path, nil) else {
            guard errno == ENOENT else { throw .cannotOpen(path, errno: errno) }
            throw VolumeError(
                .unreadable, "is a link to a file that is not there; mount its disk, or remove the link", path: path)
        }
        defer { free(target) }
        self.path = String(cString: target)
    }

    /// The bytes; nil where there is no file.
    ///
    /// - Throws: ``VolumeError`` where the file cannot be read, is no regular file, or has more than `limit` bytes.
    package func read(limit: Int) throws(VolumeError) -> [UInt8]? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .cannotOpen(path, errno: errno) }
            return nil
        }
        let file = try FileSource(path: path)
        let count = file.byteCountLimit
        guard count <= limit else {
            throw VolumeError(.tooLarge, "has \(count) bytes, more than the \(limit) that are read", path: path)
        }
        let bytes = try file.bytes(at: 0, count: count)
        guard bytes.count == count else {
            throw VolumeError(.unreadable, "became shorter while it was read; try again", path: path)
        }
        return bytes
    }

    /// Makes the file, or takes the place of what it was: a reader sees the old bytes or the new ones, also after a power cut.
    ///
    /// - Throws: ``VolumeError`` where it cannot be written; what was there is then still there, or the new bytes are.
    package func replace(_ bytes: [UInt8]) throws(VolumeError) {
        try OutputFile(path, replacing: true, keeping: .none).write(bytes)
    }
}
