import Basics
import Glibc

/// A small file of the catalog that is read and replaced as a whole: a recipe, a receipt, a count.
///
/// A missing file is an answer (nil); a file that cannot be read is an error. Foundation's `Data.write` is not used: if the
/// system writes fewer bytes than it was given, `Data.write` starts again at the first byte.
package struct SmallFile {
    /// The path of the file; if the given path was a symbolic link, the path of its target.
    package let path: String

    /// Resolves the path; the file need not exist.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the system does not say what is at the path, or it is a symbolic link
    ///   without a target.
    package init(_ path: String) throws(VolumeError) {
        guard try Self.status(of: path)?.isSymbolicLink == true else {
            self.path = path
            return
        }
        do throws(SystemError) { self.path = try FilePath.resolved(path) } catch {
            guard error.number == ENOENT else { throw .cannotOpen(path, error) }
            throw VolumeError(
                .unreadable, "is a link to a file that is not there; mount its disk, or remove the link", path: path)
        }
    }

    /// The status of the file itself, or of the link that it is; nil where there is none.
    private static func status(of path: String) throws(VolumeError) -> FileStatus? {
        do throws(SystemError) { return try FileStatus(of: path, followingLinks: false) } catch {
            guard error.number == ENOENT else { throw .cannotOpen(path, error) }
            return nil
        }
    }

    /// The bytes of the file; nil where there is none.
    ///
    /// - Throws: ``VolumeError``: `.unreadable` where the file cannot be read, is not a regular file or becomes shorter
    ///   meanwhile; `.tooLarge` where it has more than `limit` bytes.
    package func read(limit: Int) throws(VolumeError) -> [UInt8]? {
        guard try Self.status(of: path) != nil else { return nil }
        let file = try FileSource(path: path)
        guard file.size <= limit else {
            throw VolumeError(
                .tooLarge, "has \(file.size) bytes, more than the \(limit) that are read; give a smaller one", path: path)
        }
        return try file.bytes()
    }

    /// The last bytes of a file of any length, such as a log to which another process may be writing; empty where there is none, or it
    /// cannot be read.
    package static func end(of path: String, limit: Int) -> [UInt8] {
        guard let file = try? FileSource(path: path) else { return [] }
        let count = min(file.size, max(0, limit))
        return (try? file.bytes(at: file.size - count, count: count)) ?? []
    }

    /// Creates or replaces the file. A reader sees the old bytes or the new ones, never a mixture, also after a power failure.
    ///
    /// - Throws: ``VolumeError`` where it cannot be written; the file then has the old bytes or the new ones.
    package func replace(_ bytes: [UInt8]) throws(VolumeError) {
        try OutputFile(path, replacing: true, protecting: .none).write(bytes)
    }
}
