internal import Basics
import Glibc

/// The bytes of a regular file, read by `pread`: no shared file position, so any number of threads may read at once.
///
/// Files are not mapped into memory. A mapped file that is truncated by another program, or that a network file
/// system fails to deliver, kills the process with SIGBUS; `pread` returns an error that can be told to people.
final class FileSource: ByteSource {
    let path: String
    private let size: Int
    private let descriptor: CInt

    var byteCount: Int? { size }
    var byteCountLimit: Int { size }

    /// - Throws: ``VolumeError`` where the file does not exist, may not be read, or is no regular file.
    init(path: String) throws(VolumeError) {
        (descriptor, size) = try RegularFile.open(path)
        self.path = path
    }

    deinit { close(descriptor) }

    func readAvailable(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) -> Int {
        guard offset >= 0, let base = destination.baseAddress else { return 0 }
        var filled = 0
        while filled < destination.count {
            let count = pread(descriptor, base + filled, destination.count - filled, off_t(offset + filled))
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else {
                throw VolumeError(
                    .unreadable, "cannot be read at byte \(offset + filled): \(VolumeError.reason(errno))", path: path)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// Gives all bytes of the file from the first on, 4 MiB at a time.
    ///
    /// - Throws: ``VolumeError`` where they cannot be read, or became fewer since the file was opened.
    func forEachBlock(_ body: ([UInt8]) throws(VolumeError) -> Void) throws(VolumeError) {
        for start in stride(from: 0, to: size, by: 4 << 20) {
            let count = min(4 << 20, size - start)
            let block = try bytes(at: start, count: count)
            guard block.count == count else {
                throw VolumeError(.unreadable, "became shorter while it was read; try again", path: path)
            }
            try body(block)
        }
    }
}

extension Digest {
    /// The digest of the bytes of a file.
    ///
    /// - Throws: ``VolumeError`` where it cannot be read, is no regular file, or changes its size meanwhile.
    /// - Complexity: reads the file once, 4 MiB at a time.
    package init(ofFile path: String) throws(VolumeError) {
        var hash = SHA256()
        try FileSource(path: path).forEachBlock { hash.update($0) }
        self = hash.digest
    }
}
