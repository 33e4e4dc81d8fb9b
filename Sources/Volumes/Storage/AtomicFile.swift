import Glibc

/// A file that appears under its name only when it is complete.
///
/// It is written under a temporary name in the same folder; ``publish()`` synchronises it to the disk, renames it and
/// synchronises the folder. A file that is never published is removed when the last reference to it goes away.
final class AtomicFile {
    /// The name under which the file is to appear.
    let path: String
    private let temporaryPath: String
    private var descriptor: CInt

    /// - Throws: ``VolumeError`` where the folder does not exist or may not be written.
    init(path: String) throws(VolumeError) {
        let folder = Self.folder(of: path)
        guard !path.isEmpty, !path.hasSuffix("/") else {
            throw VolumeError(.unwritable, "is no name of a file", path: path)
        }
        self.path = path
        temporaryPath = "\(folder).cellar-\(UInt64.random(in: .min ... .max)).tmp"
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .cannotWrite(path, errno: errno) }
        // A file that is replaced keeps its permissions.
        var status = stat()
        if stat(path, &status) == 0 { fchmod(descriptor, status.st_mode & 0o7777) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporaryPath)
    }

    /// The folder of a path, with its slash; empty for the current one.
    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// Appends bytes.
    func write(_ bytes: RawSpan) throws(VolumeError) {
        try writeAll(bytes) { rest, _ in Glibc.write(descriptor, rest.baseAddress, rest.count) }
    }

    /// Overwrites bytes that were written before.
    func rewrite(at offset: Int, _ bytes: RawSpan) throws(VolumeError) {
        try writeAll(bytes) { rest, written in pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written)) }
    }

    private func writeAll(_ bytes: RawSpan, _ step: (UnsafeRawBufferPointer, Int) -> Int) throws(VolumeError) {
        try bytes.withUnsafeBytes { bytes throws(VolumeError) in
            var written = 0
            while written < bytes.count {
                let count = step(UnsafeRawBufferPointer(rebasing: bytes[written...]), written)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw .cannotWrite(path, errno: errno) }
                written += count
            }
        }
    }

    /// Lets the file appear under its name.
    func publish() throws(VolumeError) {
        guard descriptor >= 0 else { return }
        guard fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else { throw .cannotWrite(path, errno: errno) }
        let reason = close(descriptor) == 0 ? 0 : errno
        descriptor = -1
        // NFS reports at close what it could not write.
        guard reason == 0 else { throw .cannotWrite(path, errno: reason) }
        let folder = open(Self.folder(of: path).isEmpty ? "." : Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw .cannotWrite(path, errno: errno) }
        defer { close(folder) }
        // File systems that cannot synchronise a folder say EINVAL, and need not.
        guard fsync(folder) == 0 || errno == EINVAL else { throw .cannotWrite(path, errno: errno) }
    }
}
