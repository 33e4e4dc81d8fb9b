public import Basics
import Glibc

/// A name under which a file may appear: nothing is there, or what is there may be replaced, and is no file that has to stay.
///
/// Every writer takes one of these and no path, so that none can be told to write over a tomogram. What was found when it was
/// made is looked at again when the file appears (``AtomicFile``): what came there meanwhile stays.
public struct OutputFile: Hashable, Sendable {
    /// The path as it was given.
    public let path: String
    /// The file that is there and may be replaced; nil where there is none.
    let replaced: FileStatus.Identity?

    /// - Parameters:
    ///   - replacing: whether a file that is there may be replaced. A symbolic link is: by the file, and what it leads to stays.
    ///   - known: files that are never replaced, nor anything in folders of them.
    /// - Throws: ``VolumeError`` where the name is none, is taken, or would change what is known.
    public init(_ path: String, replacing: Bool, keeping known: KnownFiles) throws(VolumeError) {
        guard !path.isEmpty, !path.hasSuffix("/") else { throw VolumeError(.unwritable, "is no name of a file", path: path) }
        if let conflict = known.conflict(at: path) {
            throw VolumeError(
                .alreadyExists, "cannot be written: it \(conflict), which stays as it is; name another file", path: path)
        }
        self.path = path
        let (status, reason) = FileStatus.look(at: path, followingLinks: false)
        guard let status else {
            guard reason == ENOENT else { throw .cannotWrite(path, errno: reason) }
            replaced = nil
            return
        }
        let target = status.isSymbolicLink ? FileStatus(ofTargetOf: path) : status
        if let target, !target.isFile {
            throw VolumeError(
                .unwritable, "cannot be written: it is \(target.isFolder ? "a folder" : "a device or a pipe"); name a file",
                path: path)
        }
        guard replacing else { throw .alreadyExists(path) }
        replaced = status.identity
    }

    /// Writes a file that appears complete or not at all.
    ///
    /// - Throws: ``VolumeError`` where it cannot be written, or something else came under its name meanwhile.
    public func write(_ bytes: [UInt8]) throws(VolumeError) {
        let file = try AtomicFile(self)
        try file.write(bytes.span.bytes)
        try file.publish()
    }
}
