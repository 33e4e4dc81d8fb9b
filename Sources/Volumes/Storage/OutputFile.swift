public import Basics
import Glibc

/// A path that a file may be written to: no file is there, or the one there may be replaced and is not protected.
///
/// Writers take an `OutputFile` and not a path, so that no writer can overwrite a tomogram. ``AtomicFile`` checks again when it
/// gives the file its name: another file that has appeared there meanwhile is not replaced.
public struct OutputFile: Hashable, Sendable {
    /// The path as it was given.
    public let path: String
    /// The identity of the file that is there and may be replaced; nil if there is none.
    let replaced: FileStatus.Identity?

    /// Checks the path.
    ///
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - replacing: whether an existing file may be replaced. A symbolic link is replaced itself; its target stays.
    ///   - protected: files that are never replaced, and folders in which nothing is written.
    /// - Throws: ``VolumeError``: `.unwritable` where the path is not that of a regular file; `.alreadyExists` where there is a
    ///   file that may not be replaced, or writing would change a protected file.
    /// - Complexity: a few calls of stat(2); see ``ProtectedFiles``.
    public init(_ path: String, replacing: Bool, protecting protected: ProtectedFiles) throws(VolumeError) {
        guard !path.isEmpty, !path.hasSuffix("/") else { throw VolumeError(.unwritable, "is no name of a file", path: path) }
        if let conflict = protected.conflict(at: path) {
            throw VolumeError(
                .alreadyExists, "cannot be written: it \(conflict), which stays as it is; name another file", path: path)
        }
        self.path = path
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(of: path, followingLinks: false) } catch {
            guard error.number == ENOENT else { throw .cannotWrite(path, error) }
            replaced = nil
            return
        }
        let target = status.isSymbolicLink ? try? FileStatus(of: path) : status
        if let target, !target.isFile {
            throw VolumeError(
                .unwritable, "cannot be written: it is \(target.isFolder ? "a folder" : "a device or a pipe"); name a file",
                path: path)
        }
        guard replacing else { throw .alreadyExists(path) }
        replaced = status.identity
    }

    /// Writes the file, which appears complete or not at all.
    ///
    /// - Throws: ``VolumeError`` where it cannot be written, or another file has taken its name meanwhile.
    public func write(_ bytes: [UInt8]) throws(VolumeError) {
        let file = try AtomicFile(self)
        try file.write(bytes.span.bytes)
        try file.commit()
    }
}
