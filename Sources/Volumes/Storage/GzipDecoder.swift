import Basics
import CZlib

/// Decodes a gzip file forward from a restart point (RFC 1952; zlib decodes the deflate streams).
///
/// Its state has no lock. It may still be sent between threads, because only one thread uses it at a time: ``GzipSource``
/// removes it from its list during a read.
final class GzipDecoder: @unchecked Sendable {
    private enum Phase { case header, body, finished }

    private static let inputCapacity = 128 << 10
    /// The most output of one call of inflate. After each call, the index is asked whether it needs a restart point.
    private static let stepLimit = 1 << 20

    private let file: FileSource
    // zlib keeps a pointer to its z_stream, so the stream must never move in memory.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private let input = UnsafeMutablePointer<UInt8>.allocate(capacity: inputCapacity)
    private var phase: Phase
    /// The offset in the file of the end of the input buffer.
    private var inputEnd: Int
    // The CRC-32 and the length of the decoded part of the member.
    private var checksum: UInt
    private var memberOutput: Int

    /// The offset in the decoded stream of the next byte.
    private(set) var position: Int

    init(file: FileSource, at point: GzipRestartPoint) throws(VolumeError) {
        self.file = file
        phase = point.window == nil ? .header : .body
        inputEnd = point.input
        position = point.output
        checksum = point.checksum
        memberOutput = point.memberOutput
        stream.initialize(to: z_stream())
        // Raw deflate: zlib cannot check a header and a checksum if it begins in the middle of a member. So they are read here.
        guard czlib_inflate_init(stream, -MAX_WBITS) == Z_OK else {
            throw VolumeError(.unreadable, "cannot be decoded: zlib has no memory", path: file.path)
        }
        guard let window = point.window else { return }
        if point.unusedBits > 0 {
            let last = try file.bytes(at: point.input - 1, count: 1)
            inflatePrime(stream, point.unusedBits, CInt(last.first ?? 0) >> (8 - point.unusedBits))
        }
        inflateSetDictionary(stream, window, UInt32(window.count))
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    /// Decodes and drops the bytes before an offset; stops early where the stream ends.
    ///
    /// - Parameters:
    ///   - wantsPoint: whether the index needs a restart point at an output offset.
    ///   - record: called with each such point.
    func skip(
        to offset: Int, wantsPoint: (Int) -> Bool, record: (GzipRestartPoint) -> Void
    ) throws(VolumeError) {
        var scratch = [UInt8](repeating: 0, count: max(0, min(offset - position, 256 << 10)))
        while position < offset {
            let count = min(offset - position, scratch.count)
            var span = scratch.mutableSpan
            let decoded = try span.withUnsafeMutableBytes { buffer throws(VolumeError) in
                try decode(
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), wantsPoint: wantsPoint, record: record)
            }
            if decoded < count { return }
        }
    }

    /// Decodes the next bytes into the destination and returns their number: fewer only where the stream ends.
    ///
    /// - Parameters:
    ///   - wantsPoint: whether the index needs a restart point at an output offset.
    ///   - record: called with each such point.
    /// - Throws: ``VolumeError``: `.truncated` where the file ends early, `.malformed` where it is damaged.
    func decode(
        into destination: UnsafeMutableRawBufferPointer, wantsPoint: (Int) -> Bool, record: (GzipRestartPoint) -> Void
    ) throws(VolumeError) -> Int {
        var filled = 0
        // After the last byte, inflate is called once more without output: only then does it report the end of a member that
        // comes directly after this byte.
        var isFlushing = false
        while phase != .finished {
            if phase == .header {
                if filled == destination.count { break }
                if wantsPoint(position) { record(GzipRestartPoint(input: inputOffset, output: position)) }
                try readMemberHeader()
                continue
            }
            if isFlushing { break }
            isFlushing = filled == destination.count
            let produced = try inflateStep(
                into: UnsafeMutableRawBufferPointer(rebasing: destination[filled...]), stopsAtBlock: wantsPoint(position),
                record: record)
            filled += produced
        }
        return filled
    }

    /// Decodes and drops the rest of the member, and so verifies its checksum; stops without verifying after `limit` bytes.
    func finishMember(limit: Int) throws(VolumeError) {
        guard phase == .body else { return }
        var scratch = [UInt8](repeating: 0, count: 64 << 10)
        let end = position + limit
        while phase == .body, position < end {
            var span = scratch.mutableSpan
            _ = try span.withUnsafeMutableBytes { buffer throws(VolumeError) in
                try inflateStep(into: buffer, stopsAtBlock: false, record: { _ in })
            }
        }
    }

    /// The offset in the file of the next byte to decode.
    private var inputOffset: Int { inputEnd - Int(stream.pointee.avail_in) }

    /// One call of inflate into the destination; it stops at the end of the member, or of a block if `stopsAtBlock`. Returns
    /// the number of bytes decoded.
    private func inflateStep(
        into destination: UnsafeMutableRawBufferPointer, stopsAtBlock: Bool, record: (GzipRestartPoint) -> Void
    ) throws(VolumeError) -> Int {
        guard try hasInput() else { throw endsEarly() }
        let capacity = min(destination.count, Self.stepLimit)
        var nothing: UInt8 = 0
        let (status, produced) = withUnsafeMutablePointer(to: &nothing) { nothing in
            // zlib refuses a null output pointer even if there is no space for output.
            let output = destination.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? nothing
            stream.pointee.next_out = output
            stream.pointee.avail_out = UInt32(capacity)
            let status = inflate(stream, stopsAtBlock ? Z_BLOCK : Z_NO_FLUSH)
            let produced = capacity - Int(stream.pointee.avail_out)
            checksum = crc32_z(checksum, output, produced)
            return (status, produced)
        }
        position += produced
        memberOutput += produced
        switch status {
        case Z_STREAM_END: try readMemberTrailer()
        case Z_OK, Z_BUF_ERROR:
            // As in zlib's zran.c: bit 7 is set at the end of a block, bit 6 in the last block of the member.
            if stopsAtBlock && stream.pointee.data_type & 0b1100_0000 == 0b1000_0000 { record(restartPoint()) }
        default:
            throw isCorrupt("cannot be decoded at compressed byte \(inputOffset)")
        }
        return produced
    }

    /// The current state as a restart point; only valid at the end of a block.
    private func restartPoint() -> GzipRestartPoint {
        let window = [UInt8](unsafeUninitializedCapacity: 1 << Int(MAX_WBITS)) { buffer, count in
            var length: UInt32 = 0
            inflateGetDictionary(stream, buffer.baseAddress, &length)
            count = Int(length)
        }
        return GzipRestartPoint(
            input: inputOffset, unusedBits: stream.pointee.data_type & 7, output: position, window: window,
            checksum: checksum, memberOutput: memberOutput)
    }

    /// Reads the next part of the file if the input buffer is empty; false at the end of the file.
    private func hasInput() throws(VolumeError) -> Bool {
        if stream.pointee.avail_in > 0 { return true }
        let buffer = UnsafeMutableRawBufferPointer(start: input, count: Self.inputCapacity)
        let count = try file.readAvailable(at: inputEnd, into: buffer)
        inputEnd += count
        stream.pointee.next_in = input
        stream.pointee.avail_in = UInt32(count)
        return count > 0
    }

    private func nextByte() throws(VolumeError) -> UInt8? {
        guard try hasInput(), let byte = stream.pointee.next_in?.pointee else { return nil }
        stream.pointee.next_in += 1
        stream.pointee.avail_in -= 1
        return byte
    }

    private func requiredByte() throws(VolumeError) -> UInt8 {
        guard let byte = try nextByte() else { throw endsEarly() }
        return byte
    }

    /// Reads a member's header (RFC 1952, 2.3). Bytes after the last member that are not a header, such as the zeros with
    /// which tapes are padded, end the stream, as for `gunzip`.
    private func readMemberHeader() throws(VolumeError) {
        guard try nextByte() == 0x1f, try nextByte() == 0x8b else {
            phase = .finished
            return
        }
        let method = try requiredByte()
        let flags = try requiredByte()
        guard method == 8, flags & 0b1110_0000 == 0 else { throw isCorrupt("has a gzip header that cannot be understood") }
        for _ in 0..<6 { _ = try requiredByte() }
        if flags & 4 != 0 {
            let low = Int(try requiredByte())
            let length = low | Int(try requiredByte()) << 8
            for _ in 0..<length { _ = try requiredByte() }
        }
        // The file's name, then a comment; each ends with a zero.
        if flags & 8 != 0 { while try requiredByte() != 0 {} }
        if flags & 16 != 0 { while try requiredByte() != 0 {} }
        if flags & 2 != 0 { for _ in 0..<2 { _ = try requiredByte() } }
        inflateReset(stream)
        checksum = crc32_z(0, nil, 0)
        memberOutput = 0
        phase = .body
    }

    /// Verifies a member by its trailer: the CRC-32 and the length modulo 2³².
    private func readMemberTrailer() throws(VolumeError) {
        func word() throws(VolumeError) -> UInt32 {
            var word: UInt32 = 0
            for shift in [0, 8, 16, 24] { word |= UInt32(try requiredByte()) << UInt32(shift) }
            return word
        }
        let expectedChecksum = try word()
        let expectedLength = try word()
        guard expectedChecksum == UInt32(truncatingIfNeeded: checksum),
            expectedLength == UInt32(truncatingIfNeeded: memberOutput)
        else { throw isCorrupt("does not decode to what was compressed: its gzip checksum differs") }
        phase = .header
    }

    private func endsEarly() -> VolumeError {
        VolumeError(
            .truncated, "is a gzip file that ends early, at byte \(inputOffset) and \(position) bytes decoded; copy it again",
            path: file.path)
    }

    private func isCorrupt(_ what: String) -> VolumeError {
        VolumeError(.malformed, "\(what); copy the file again or recover it with gunzip", path: file.path)
    }
}
