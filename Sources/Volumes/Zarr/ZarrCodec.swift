import Basics
import CZlib

/// The compression of the chunks of a zarr array.
enum ZarrCodec: Hashable, Sendable {
    case raw, zlib, gzip

    /// The codec with this numcodecs id; nil if it is not read.
    init?(id: String) {
        switch id {
        case "zlib": self = .zlib
        case "gzip": self = .gzip
        default: return nil
        }
    }

    /// The size limit of a file that decodes to `count` bytes.
    func encodedLimit(count: Int) -> Int {
        // Data that cannot be compressed grow by a thousandth. No setting of deflate doubles them.
        self == .raw ? count : 2 * count + 65_536
    }

    /// Decodes a chunk.
    ///
    /// - Throws: ``VolumeError``: `.tooLarge`, before memory is allocated, where so few encoded bytes cannot decode to `count`
    ///   bytes, or where zlib gets no memory; `.truncated` or `.malformed` where they do not decode to exactly `count` bytes.
    /// - Complexity: one pass over the encoded bytes; allocates `count` bytes.
    func decode(_ encoded: [UInt8], count: Int, path: String) throws(VolumeError) -> [UInt8] {
        if self == .raw {
            guard encoded.count == count else {
                let code: VolumeErrorCode = encoded.count < count ? .truncated : .malformed
                throw VolumeError(
                    code, "has \(encoded.count) of \(count) bytes: the chunk is damaged, fetch it again", path: path)
            }
            return encoded
        }
        // Deflate cannot compress better than 1032 : 1 (zlib's technical note), so a larger `count` is wrong.
        guard count <= 1032 * encoded.count + 65_536, let available = UInt32(exactly: encoded.count),
            let room = UInt32(exactly: count)
        else {
            throw VolumeError(
                .tooLarge, "declares \(count) bytes, which \(encoded.count) compressed bytes cannot hold; check .zarray",
                path: path)
        }
        var outcome = Outcome(status: Z_MEM_ERROR, consumed: 0)
        let decoded = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            (outcome, initialized) = inflate(encoded, available: available, into: output, room: room)
        }
        guard outcome.status != Z_MEM_ERROR else {
            throw VolumeError(.tooLarge, "could not be decompressed for want of memory; run fewer jobs at once", path: path)
        }
        guard outcome.status == Z_STREAM_END else {
            switch (outcome.status, decoded.count == count, outcome.consumed == encoded.count) {
            case (Z_BUF_ERROR, true, _):
                throw .malformedChunk("decompresses to more than \(count) bytes", path: path)
            case (Z_BUF_ERROR, _, true):
                throw VolumeError(
                    .truncated, "ends after \(decoded.count) of \(count) bytes: the chunk is damaged, fetch it again", path: path)
            default:
                throw .malformedChunk("is not \(self == .zlib ? "zlib" : "gzip") data", path: path)
            }
        }
        guard decoded.count == count else {
            throw .malformedChunk("decompresses to \(decoded.count) instead of \(count) bytes", path: path)
        }
        guard outcome.consumed == encoded.count else {
            throw .malformedChunk("has \(encoded.count - outcome.consumed) bytes after its end", path: path)
        }
        return decoded
    }

    private struct Outcome {
        var status: Int32
        var consumed: Int
    }

    private func inflate(
        _ encoded: [UInt8], available: UInt32, into output: UnsafeMutableBufferPointer<UInt8>, room: UInt32
    ) -> (Outcome, written: Int) {
        encoded.withUnsafeBufferPointer { input in
            var stream = z_stream()
            // zlib keeps the address of the struct and compares it on every call, so the struct must not move.
            return withUnsafeMutablePointer(to: &stream) { stream in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = available
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = room
                guard czlib_inflate_init(stream, self == .gzip ? 31 : 15) == Z_OK else {
                    return (Outcome(status: Z_MEM_ERROR, consumed: 0), 0)
                }
                defer { inflateEnd(stream) }
                let status = CZlib.inflate(stream, Z_FINISH)
                let outcome = Outcome(status: status, consumed: input.count - Int(stream.pointee.avail_in))
                return (outcome, Int(room - stream.pointee.avail_out))
            }
        }
    }
}
