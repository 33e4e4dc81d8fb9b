import Basics
import Glibc
import Volumes

/// A regular file, opened read-only, that is both read by `pread` and mapped into memory.
///
/// Bytes that are copied or converted anyway are read by `pread`, which reports a failing disk or a file that became shorter as
/// an error. Only float32 tensors are views of the map, where the same faults would end the process with SIGBUS.
final class MappedFile: @unchecked Sendable {
    let path: String
    let byteCount: Int
    private let source: FileSource
    /// The address of the map; nil if the file is empty. The map is never written to.
    private let base: UnsafeMutableRawPointer?

    /// - Throws: ``CheckpointError`` if the file does not exist, may not be read, or is no regular file.
    init(path: String) throws(CheckpointError) {
        do throws(VolumeError) { source = try FileSource(path: path) } catch { throw CheckpointError(.unreadable, error) }
        self.path = path
        byteCount = source.size
        let address = byteCount == 0 ? nil : mmap(nil, byteCount, PROT_READ, MAP_SHARED, source.descriptor, 0)
        guard address != MAP_FAILED else {
            throw CheckpointError(
                .unreadable, "cannot be opened: \(SystemError.last.reason); copy it to another disk", path: path)
        }
        base = address
    }

    deinit {
        if let base { munmap(base, byteCount) }
    }

    /// Fills the buffer with the bytes that begin at `offset`.
    ///
    /// - Throws: ``CheckpointError`` if the disk fails, or the file became shorter.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(CheckpointError) {
        let filled: Int
        do throws(VolumeError) { filled = try source.readAvailable(at: offset, into: buffer) } catch {
            throw CheckpointError(.unreadable, error)
        }
        guard filled == buffer.count else { throw .shrunk(path, at: offset + filled) }
    }

    /// A pointer to the floats in a range of the map, valid as long as this object lives; nil if they are not aligned to 4 bytes.
    ///
    /// - Throws: ``CheckpointError`` if the file became shorter since it was opened.
    func floats(in range: Range<Int>) throws(CheckpointError) -> UnsafePointer<Float>? {
        guard let base, range.lowerBound % MemoryLayout<Float>.alignment == 0, range.upperBound <= byteCount else { return nil }
        let size = (try? FileStatus(ofDescriptor: source.descriptor))?.byteCount ?? 0
        guard size >= byteCount else { throw .shrunk(path, at: size) }
        return UnsafePointer((base + range.lowerBound).assumingMemoryBound(to: Float.self))
    }

    /// Drops the mapped pages of a range from memory (`MADV_DONTNEED`). The next access reads them from the file again.
    func releasePages(_ range: Range<Int>) {
        guard let base, !range.isEmpty, range.upperBound <= byteCount else { return }
        let start = range.lowerBound & ~(Int(sysconf(CInt(_SC_PAGESIZE))) - 1)
        madvise(base + start, range.upperBound - start, MADV_DONTNEED)
    }
}

extension MappedFile {
    /// A copy of the bytes of a range.
    ///
    /// - Precondition: the range lies in the file.
    /// - Throws: ``CheckpointError`` if the disk fails, or the file became shorter.
    func bytes(in range: Range<Int>) throws(CheckpointError) -> [UInt8] {
        var failure: CheckpointError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<range.count])
            do throws(CheckpointError) {
                try read(at: range.lowerBound, into: target)
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

/// Reads a part of a file from front to back, 8 KiB at a time. A length that the file states is checked against the bytes that
/// are left before memory is allocated for it.
struct FileCursor {
    let file: MappedFile
    /// The offset of the next byte in the file.
    private(set) var position: Int
    /// The offset in the file at which the part ends.
    let end: Int
    private var buffer: [UInt8] = []
    private var bufferStart = 0

    /// - Precondition: the range lies in the file.
    init(_ file: MappedFile, in range: Range<Int>) {
        (self.file, position, end) = (file, range.lowerBound, range.upperBound)
    }

    /// - Throws: ``CheckpointError`` at the end of the part.
    mutating func byte() throws(CheckpointError) -> UInt8 {
        if !(bufferStart..<bufferStart + buffer.count).contains(position) {
            guard position < end else { throw truncated() }
            buffer = try file.bytes(in: position..<min(position + 8192, end))
            bufferStart = position
        }
        defer { position += 1 }
        return buffer[position - bufferStart]
    }

    /// - Throws: ``CheckpointError`` if fewer bytes are left; then nothing is allocated for them.
    mutating func bytes(_ count: Int) throws(CheckpointError) -> [UInt8] {
        guard count >= 0, count <= end - position else { throw truncated() }
        let bytes =
            if bufferStart <= position && position + count <= bufferStart + buffer.count {
                Array(buffer[position - bufferStart..<position - bufferStart + count])
            } else {
                try file.bytes(in: position..<position + count)
            }
        position += count
        return bytes
    }

    /// A little-endian unsigned number of `count` bytes, at most 8; nil if it is too large for `Int`.
    mutating func number(_ count: Int) throws(CheckpointError) -> Int? {
        var number: UInt64 = 0
        for index in 0..<count { number |= UInt64(try byte()) << UInt64(8 * index) }
        return Int(exactly: number)
    }

    /// The bytes up to the next line feed, without it; the next read begins after it.
    ///
    /// - Throws: ``CheckpointError`` if the line has more than 1,024 bytes or the part ends before it does.
    mutating func line() throws(CheckpointError) -> [UInt8] {
        let limit = 1024
        var line: [UInt8] = []
        while true {
            let next = try byte()
            if next == UInt8(ascii: "\n") { return line }
            guard line.count < limit else {
                throw CheckpointError(
                    .malformed,
                    "has a line of more than \(limit) bytes before byte \(position): the file is damaged, get it again",
                    path: file.path)
            }
            line.append(next)
        }
    }

    /// - Precondition: at least `count` bytes are left.
    mutating func skip(_ count: Int) { position += count }

    private func truncated() -> CheckpointError {
        CheckpointError(
            .truncated, "ends at byte \(end), where more should follow: copy or download it again", path: file.path)
    }
}
