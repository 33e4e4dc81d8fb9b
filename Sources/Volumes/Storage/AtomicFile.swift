import Basics
import Glibc

/// A file that appears under its name only when it is complete.
///
/// It is written under a temporary name in the same folder. ``commit()`` synchronises it to the disk, gives it its name and
/// synchronises the folder. If no file had the name before, the name is a hard link, because `link` fails if another file has
/// taken the name meanwhile. A file that is never committed is removed when the last reference to it is released.
package final class AtomicFile {
    /// The path that the file gets in ``commit()``.
    package var path: String { output.path }
    /// The path until then, for code that checks the file before it is committed.
    package let temporaryPath: String
    private let output: OutputFile
    private var descriptor: CInt

    private static let (prefix, suffix) = (".cellar-", ".tmp")

    /// Whether a file of this name is one that was not committed: that is being written, or whose process was killed.
    package static func isTemporary(_ name: String) -> Bool { name.hasPrefix(prefix) && name.hasSuffix(suffix) }

    /// Creates the temporary file.
    ///
    /// - Throws: ``VolumeError``, `.unwritable`, where the folder does not exist or may not be written.
    package init(_ output: OutputFile) throws(VolumeError) {
        self.output = output
        temporaryPath = "\(FilePath.folder(of: output.path))\(Self.prefix)\(UInt64.random(in: .min ... .max))\(Self.suffix)"
        descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw .cannotWrite(output.path, .last) }
        // The new file gets the permissions of the file that it replaces.
        if output.replaced != nil, let status = try? FileStatus(of: output.path) { fchmod(descriptor, status.permissions) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporaryPath)
    }

    /// Appends bytes.
    ///
    /// - Throws: ``VolumeError``, `.unwritable`.
    package func write(_ bytes: RawSpan) throws(VolumeError) {
        try writeAll(bytes) { rest, _ in Glibc.write(descriptor, rest.baseAddress, rest.count) }
    }

    /// Appends the bytes of another file; its permissions and owner are not copied.
    ///
    /// - Throws: ``VolumeError`` where the other file is not a regular file or cannot be read, or this one cannot be written.
    /// - Complexity: reads the file once; 4 MiB of memory.
    package func write(contentsOf source: String) throws(VolumeError) {
        try FileSource(path: source).forEachBlock { block throws(VolumeError) in try write(block.span.bytes) }
    }

    /// Writes bytes at an offset, which may be beyond the end of the file. Does not move the position of appended bytes.
    ///
    /// - Throws: ``VolumeError``, `.unwritable`.
    package func write(_ bytes: RawSpan, at offset: Int) throws(VolumeError) {
        try writeAll(bytes) { rest, written in pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + written)) }
    }

    private func writeAll(_ bytes: RawSpan, _ step: (UnsafeRawBufferPointer, Int) -> Int) throws(VolumeError) {
        guard descriptor >= 0 else { throw VolumeError(mistake: .unwritable, "is already finished", path: path) }
        try bytes.withUnsafeBytes { bytes throws(VolumeError) in
            var written = 0
            while written < bytes.count {
                do throws(SystemError) {
                    let count = try SystemCall.uninterrupted {
                        step(UnsafeRawBufferPointer(rebasing: bytes[written...]), written)
                    }
                    // A call that writes nothing, without an error, would be repeated forever: it counts as an error.
                    guard count > 0 else { throw SystemError(EIO) }
                    written += count
                } catch {
                    throw .cannotWrite(path, error)
                }
            }
        }
    }

    /// Synchronises the file to the disk and gives it its name. Does nothing if it is committed already.
    ///
    /// - Throws: ``VolumeError``: `.unwritable` where the disk fails, `.alreadyExists` where another file has taken the name
    ///   meanwhile. No file appears then, with one exception: if only the folder cannot be synchronised, the file is there,
    ///   and the message says that it may be lost.
    package func commit() throws(VolumeError) {
        guard descriptor >= 0 else { return }
        try Self.synchronize(descriptor, path: path)
        // NFS reports at close what it could not write.
        let reason = close(descriptor) == 0 ? 0 : errno
        descriptor = -1
        do throws(VolumeError) {
            guard reason == 0 || reason == EINTR else { throw .cannotWrite(path, SystemError(reason)) }
            try appear()
        } catch {
            unlink(temporaryPath)
            throw error
        }
        let folderPath = FilePath.folder(of: path)
        let folder = open(folderPath.isEmpty ? "." : folderPath, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        // A folder that this user may write to, but not read, cannot be opened and so cannot be synchronised.
        guard folder >= 0 || errno != EACCES else { return }
        defer { if folder >= 0 { close(folder) } }
        do throws(VolumeError) {
            guard folder >= 0 else { throw .cannotWrite(path, .last) }
            try Self.synchronize(folder, path: path)
        } catch {
            throw VolumeError(
                .unwritable,
                "was written, but may be lost if the machine stops now, as its folder \(error.message); write it again",
                path: path)
        }
    }

    /// Calls fsync. EINVAL is no error: it means that the file system does not support fsync.
    private static func synchronize(_ descriptor: CInt, path: String) throws(VolumeError) {
        do throws(SystemError) { try SystemCall.uninterrupted { fsync(descriptor) } } catch {
            guard error.number == EINVAL else { throw .cannotWrite(path, error) }
        }
    }

    /// Gives the temporary file its name.
    private func appear() throws(VolumeError) {
        let status = try? FileStatus(of: path, followingLinks: false)
        guard let replaced = output.replaced else {
            if link(temporaryPath, path) == 0 {
                unlink(temporaryPath)
                return
            }
            let reason = SystemError.last
            // The answer of an NFS server may be lost, and the call be made again: the link is there then.
            if reason.number == EEXIST, let own = try? FileStatus(of: temporaryPath), own.linkCount == 2,
                (try? FileStatus(of: path, followingLinks: false))?.identity == own.identity
            {
                unlink(temporaryPath)
                return
            }
            // Not every file system has hard links. Without them, the check just before must suffice, followed by a rename.
            guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK].contains(reason.number), status == nil else {
                throw reason.number == EEXIST || status != nil ? .alreadyExists(path) : .cannotWrite(path, reason)
            }
            guard rename(temporaryPath, path) == 0 else { throw .cannotWrite(path, .last) }
            return
        }
        if let status, status.identity != replaced {
            throw VolumeError(
                .alreadyExists, "was not written: another file took this name meanwhile; look at that one, and try again",
                path: path)
        }
        guard rename(temporaryPath, path) == 0 else { throw .cannotWrite(path, .last) }
    }
}
