import Basics
import CZlib

/// Compression 8 and 32946: a zlib stream (RFC 1950).
final class TIFFDeflateDecoder: TIFFSegmentDecoder {
    private var input: TIFFSegmentInput
    private var part: [UInt8] = []
    private var used = 0
    // inflate keeps a pointer back to its z_stream, which therefore must never move.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    init(_ input: TIFFSegmentInput) throws(VolumeError) {
        self.input = input
        stream.initialize(to: z_stream())
        guard czlib_inflate_init(stream, MAX_WBITS) == Z_OK else {
            throw VolumeError(.unreadable, "cannot be decoded: zlib has no memory", path: input.source.path)
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func decode(into buffer: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        guard let base = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        var filled = 0
        while filled < buffer.count {
            if used == part.count {
                part = try input.nextPart()
                used = 0
                guard !part.isEmpty else { throw input.isCorrupt() }
            }
            let capacity = min(buffer.count - filled, 1 << 30)
            let status = part.withUnsafeMutableBufferPointer { part in
                stream.pointee.next_in = part.baseAddress.map { $0 + used }
                stream.pointee.avail_in = UInt32(part.count - used)
                stream.pointee.next_out = base + filled
                stream.pointee.avail_out = UInt32(capacity)
                return inflate(stream, Z_NO_FLUSH)
            }
            used = part.count - Int(stream.pointee.avail_in)
            filled += capacity - Int(stream.pointee.avail_out)
            guard status == Z_OK || status == Z_STREAM_END && filled == buffer.count else { throw input.isCorrupt() }
        }
    }
}
