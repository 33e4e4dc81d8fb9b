import Basics
import CZlib

/// Decodes a gzip file forward from a restart point (RFC 1952; ``Inflate`` decodes the deflate streams).
///
/// Its state has no lock. It may still be sent between threads, because only one thread uses it at a time: ``GzipSource``
/// removes it from its list during a read.
final class GzipDecoder: @unchecked Sendable {
    private enum Phase { case header, body, finished }

    private static let inputCapacity = 128 << 10
    /// The most output of one call of inflate. After each call, the index is asked whether it needs a restart point.
    private static let stepLimit = 1 << 20

    private let file: FileSource
    private let inflate: Inflate
    private let input: UnsafeMutableRawBufferPointer
    /// The bytes of the input buffer that are not decoded yet.
    private var unread = 0..<0
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
        // zlib cannot check a header and a checksum if it begins in the middle of a member. So they are read here.
        guard let inflate = Inflate(.none) else { throw .noMemoryToInflate(path: file.path) }
        self.inflate = inflate
        input = .allocate(byteCount: Self.inputCapacity, alignment: 16)
        guard let window = point.window else { return }
        let last = try point.unusedBits > 0 ? file.bytes(at: point.input - 1, count: 1) : []
        inflate.restart(window: window, unusedBits: point.unusedBits, of: last.first ?? 0)
    }

    deinit { input.deallocate() }

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
    private var inputOffset: Int { inputEnd - unread.count }

    /// One call of inflate into the destination; it stops at the end of the member, or of a block if `stopsAtBlock`. Returns
    /// the number of bytes decoded.
    private func inflateStep(
        into destination: UnsafeMutableRawBufferPointer, stopsAtBlock: Bool, record: (GzipRestartPoint) -> Void
    ) throws(VolumeError) -> Int {
        guard try hasInput() else { throw endsEarly() }
        let output = UnsafeMutableRawBufferPointer(rebasing: destination.prefix(Self.stepLimit))
        let progress = inflate.decode(
            UnsafeRawBufferPointer(rebasing: input[unread]), into: output, stopsAtBlock: stopsAtBlock)
        unread = unread.lowerBound + progress.consumed..<unread.upperBound
        let produced = progress.produced
        if produced > 0 { checksum = crc32_z(checksum, output.assumingMemoryBound(to: UInt8.self).baseAddress, produced) }
        position += produced
        memberOutput += produced
        switch progress.status {
        case .ended: try readMemberTrailer()
        case .unfinished:
            if stopsAtBlock, let unusedBits = inflate.unusedBitsAtBlockEnd {
                record(
                    GzipRestartPoint(
                        input: inputOffset, unusedBits: unusedBits, output: position, window: inflate.window, checksum: checksum,
                        memberOutput: memberOutput))
            }
        case .damaged: throw isCorrupt("cannot be decoded at compressed byte \(inputOffset)")
        case .outOfMemory: throw .noMemoryToInflate(path: file.path)
        }
        return produced
    }

    /// Reads the next part of the file if the input buffer is empty; false at the end of the file.
    private func hasInput() throws(VolumeError) -> Bool {
        if !unread.isEmpty { return true }
        unread = 0..<(try file.readAvailable(at: inputEnd, into: input))
        inputEnd += unread.count
        return !unread.isEmpty
    }

    private func nextByte() throws(VolumeError) -> UInt8? {
        guard try hasInput() else { return nil }
        defer { unread.removeFirst() }
        return input[unread.lowerBound]
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
        inflate.reset()
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
