import Basics
import Glibc

/// Bytes that can be read at any offset, from several threads at once: a file, or the decoded bytes of a compressed file.
protocol ByteSource: Sendable {
    /// The path of the file.
    var path: String { get }

    /// The number of bytes; nil where it is not known without decoding.
    var byteCount: Int? { get }

    /// An upper limit for the number of bytes. What a header declares is compared with it before memory is allocated.
    var byteCountLimit: Int { get }

    /// Reads the bytes from `offset` on into the destination, and returns their number: fewer than the destination has only
    /// where the source ends.
    func readAvailable(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) -> Int
}

extension ByteSource {
    /// Fills the whole destination with the bytes from `offset` on.
    ///
    /// - Throws: ``VolumeError``: `.truncated` where the source ends early, or what ``readAvailable(at:into:)`` throws.
    func read(at offset: Int, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        let filled = try readAvailable(at: offset, into: destination)
        guard filled == destination.count else {
            throw VolumeError(
                .truncated, "ends \(destination.count - filled) bytes before what its header declares; copy it again",
                path: path)
        }
    }

    /// Up to `count` bytes from `offset` on: fewer only where the source ends.
    ///
    /// Allocates `count` bytes first, so `count` must be a constant or compared with ``byteCountLimit``.
    func bytes(at offset: Int, count: Int) throws(VolumeError) -> [UInt8] {
        try [UInt8](uninitialized: count) { (buffer) throws(VolumeError) in try readAvailable(at: offset, into: buffer) }
    }
}

extension [UInt8] {
    /// Bytes that the closure writes to memory that was not cleared before. It returns how many it wrote, from the first on.
    init(
        uninitialized capacity: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(VolumeError) -> Int
    ) throws(VolumeError) {
        var failure: VolumeError?
        self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
            do throws(VolumeError) { count = try fill(UnsafeMutableRawBufferPointer(buffer)) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

/// The bytes of a regular file, read by `pread`: there is no shared file position, so several threads may read at once.
///
/// Files are not mapped into memory. If another program truncates a mapped file, or a network file system fails to
/// deliver a page of it, SIGBUS kills the process; `pread` returns an error that becomes a message.
package final class FileSource: ByteSource {
    package let path: String
    /// The size in bytes when the file was opened.
    package let size: Int
    /// The open file; closed with this object.
    package let descriptor: CInt

    var byteCount: Int? { size }
    var byteCountLimit: Int { size }

    /// Opens the file. What is not a regular file is refused: opening a named pipe would wait for a writer, perhaps forever, and a
    /// device may never end.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the file does not exist, may not be read, or is not a regular file.
    package init(path: String) throws(VolumeError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(path, .last) }
        do throws(VolumeError) {
            let status: FileStatus
            do throws(SystemError) { status = try FileStatus(ofDescriptor: descriptor) } catch { throw .cannotOpen(path, error) }
            guard status.isFile else { throw VolumeError(.unreadable, "is not a regular file; name a file", path: path) }
            size = status.byteCount
        } catch {
            close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    package func readAvailable(
        at offset: Int, into destination: UnsafeMutableRawBufferPointer
    ) throws(VolumeError) -> Int {
        guard offset >= 0, let base = destination.baseAddress else { return 0 }
        var filled = 0
        while filled < destination.count {
            let count: Int
            do throws(SystemError) {
                count = try SystemCall.uninterrupted {
                    pread(descriptor, base + filled, destination.count - filled, off_t(offset + filled))
                }
            } catch {
                throw VolumeError(
                    .unreadable,
                    "cannot be read at byte \(offset + filled) (\(error.reason)); look at its disk, or copy it again",
                    path: path)
            }
            if count == 0 { break }
            filled += count
        }
        return filled
    }

    /// All bytes of the file.
    ///
    /// Allocates ``size`` bytes first, so that must be compared with a limit before.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the file cannot be read or has become shorter since it was opened.
    package func bytes() throws(VolumeError) -> [UInt8] { try wholeBytes(at: 0, count: size) }

    private func wholeBytes(at offset: Int, count: Int) throws(VolumeError) -> [UInt8] {
        let bytes = try bytes(at: offset, count: count)
        guard bytes.count == count else {
            throw VolumeError(.unreadable, "became shorter while it was read; try again", path: path)
        }
        return bytes
    }

    /// Calls the closure with all bytes of the file in order, in blocks of 4 MiB.
    ///
    /// - Throws: ``VolumeError`` where the file cannot be read or has become shorter since it was opened; what `body` throws.
    package func forEachBlock(_ body: ([UInt8]) throws(VolumeError) -> Void) throws(VolumeError) {
        for start in stride(from: 0, to: size, by: 4 << 20) {
            try body(try wholeBytes(at: start, count: min(4 << 20, size - start)))
        }
    }
}

extension Digest {
    /// The SHA-256 digest of the bytes of a file.
    ///
    /// - Throws: ``VolumeError`` where it cannot be read, is not a regular file, or becomes shorter meanwhile.
    /// - Complexity: reads the file once, 4 MiB at a time.
    package init(ofFile path: String) throws(VolumeError) {
        var hash = SHA256()
        try FileSource(path: path).forEachBlock { hash.update($0) }
        self = hash.digest
    }
}

/// A block of bytes with a byte order, to read numbers at offsets in it.
struct EndianBytes {
    let bytes: [UInt8]
    let isLittleEndian: Bool

    /// The integer at an offset in bytes; nil where it does not lie in the block.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type = Value.self) -> Value? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Value>.size else { return nil }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
        return isLittleEndian ? Value(littleEndian: value) : Value(bigEndian: value)
    }

    /// The float32 at an offset in bytes; nil where it does not lie in the block.
    func float(at offset: Int) -> Float? {
        integer(at: offset, as: UInt32.self).map(Float.init(bitPattern:))
    }

    /// Reverses the byte order of every value in the buffer. Values of other sizes than 2, 4 and 8 bytes are not changed.
    static func reverseBytes(of buffer: UnsafeMutableRawBufferPointer, valueSize size: Int) {
        func reverse<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) {
            guard let base = buffer.baseAddress else { return }
            for offset in stride(from: 0, to: buffer.count - MemoryLayout<Value>.size + 1, by: MemoryLayout<Value>.size) {
                let value = base.loadUnaligned(fromByteOffset: offset, as: Value.self)
                base.storeBytes(of: value.byteSwapped, toByteOffset: offset, as: Value.self)
            }
        }
        switch size {
        case 2: reverse(UInt16.self)
        case 4: reverse(UInt32.self)
        case 8: reverse(UInt64.self)
        default: break
        }
    }
}
