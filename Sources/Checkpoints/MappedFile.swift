import Basics
import Glibc

/// A regular file that is both read by `pread` and mapped, read-only.
///
/// What is copied or converted anyway goes through `pread`, where a failing disk or a file that shrinks is an error; only
/// float32 tensors are seen through the map, where it would be SIGBUS.
final class MappedFile: @unchecked Sendable {
    let path: String
    let byteCount: Int
    private let descriptor: CInt
    /// Nil where the file is empty. Never written to after `init`.
    private let base: UnsafeMutableRawPointer?

    /// - Throws: ``CheckpointError`` where the file does not exist, may not be read, or is no regular file.
    init(path: String) throws(CheckpointError) {
        // Without O_NONBLOCK, opening a named pipe would wait for a writer, perhaps forever.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(path, errno: errno) }
        do throws(CheckpointError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw CheckpointError.cannotOpen(path, errno: errno) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw CheckpointError(.unreadable, "is not a regular file", path: path)
            }
            byteCount = Int(status.st_size)
            let address = byteCount == 0 ? nil : mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
            guard address != MAP_FAILED else { throw CheckpointError.cannotOpen(path, errno: errno) }
            base = address
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit {
        if let base { munmap(base, byteCount) }
        close(descriptor)
    }

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// - Throws: ``CheckpointError`` where the disk fails, or the file has become shorter.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
        var filled = 0
        while filled < buffer.count, let start = buffer.baseAddress {
            let count = pread(descriptor, start + filled, buffer.count - filled, off_t(offset + filled))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw CheckpointError(
                    .unreadable, "cannot be read at byte \(offset + filled): \(CheckpointError.reason(errno))", path: path)
            }
            guard count > 0 else { throw .shrunk(path, at: offset + filled) }
            filled += count
        }
    }

    /// The floats that begin at `offset`, for as long as this object lives; nil where they are not aligned.
    ///
    /// - Throws: ``CheckpointError`` where the file has become shorter than it was.
    func floats(in range: Range<Int>) throws(CheckpointError) -> UnsafePointer<Float>? {
        guard let base, range.lowerBound % MemoryLayout<Float>.alignment == 0, range.upperBound <= byteCount else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int(status.st_size) >= byteCount else {
            throw .shrunk(path, at: Int(status.st_size))
        }
        return UnsafePointer((base + range.lowerBound).assumingMemoryBound(to: Float.self))
    }

    /// Lets go of the pages in memory; whoever looks at them again gets them from the file.
    func releasePages(_ range: Range<Int>) {
        guard let base, !range.isEmpty, range.upperBound <= byteCount else { return }
        let start = range.lowerBound & ~(Int(sysconf(CInt(_SC_PAGESIZE))) - 1)
        madvise(base + start, range.upperBound - start, MADV_DONTNEED)
    }
}
