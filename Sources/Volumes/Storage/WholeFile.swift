import Basics
import Glibc

/// A small file of the catalog that is read and replaced as a whole: a recipe, a receipt, a count.
///
/// A missing file is an answer (nil); a file that cannot be read is an error. Foundation's `Data.write` is not used: if the
/// system writes fewer bytes than it was given, `Data.write` starts again at the first byte.
package struct WholeFile {
    /// The path of the file; if the given path was a symbolic link, the path of its target.
    package let path: String

    /// Resolves the path; the file need not exist.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the system does not say what is at the path, or it is a symbolic link
    ///   without a target.
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

    /// The bytes of the file; nil where there is none.
    ///
    /// - Throws: ``VolumeError``: `.unreadable` where the file cannot be read, is not a regular file or becomes shorter
    ///   meanwhile; `.tooLarge` where it has more than `limit` bytes.
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

    /// Creates or replaces the file. A reader sees the old bytes or the new ones, never a mixture, also after a power failure.
    ///
    /// - Throws: ``VolumeError`` where it cannot be written; the file then has the old bytes or the new ones.
    package func replace(_ bytes: [UInt8]) throws(VolumeError) {
        try OutputFile(path, replacing: true, keeping: .none).write(bytes)
    }
}
