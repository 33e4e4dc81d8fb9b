import Basics

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
        guard count <= Inflate.ratioLimit * encoded.count + 65_536 else {
            throw VolumeError(
                .tooLarge, "declares \(count) bytes, which \(encoded.count) compressed bytes cannot hold; check .zarray",
                path: path)
        }
        var (status, consumed) = (Inflate.Status.unfinished, 0)
        let decoded = [UInt8](unsafeUninitializedCapacity: count) { output, initialized in
            let progress = encoded.withUnsafeBytes {
                Inflate.decode($0, self == .gzip ? .gzip : .zlib, into: UnsafeMutableRawBufferPointer(output))
            }
            (status, consumed, initialized) = (progress.status, progress.consumed, progress.produced)
        }
        switch status {
        case .ended where decoded.count == count && consumed == encoded.count:
            return decoded
        case .ended where decoded.count == count:
            throw .malformedChunk("has \(encoded.count - consumed) bytes after its end", path: path)
        case .ended:
            throw .malformedChunk("decompresses to \(decoded.count) instead of \(count) bytes", path: path)
        case .unfinished where decoded.count == count:
            throw .malformedChunk("decompresses to more than \(count) bytes", path: path)
        case .unfinished where consumed == encoded.count:
            throw VolumeError(
                .truncated, "ends after \(decoded.count) of \(count) bytes: the chunk is damaged, fetch it again", path: path)
        case .unfinished, .damaged:
            throw .malformedChunk("is not \(self == .zlib ? "zlib" : "gzip") data", path: path)
        case .outOfMemory:
            throw VolumeError(.tooLarge, "could not be decompressed for want of memory; run fewer jobs at once", path: path)
        }
    }
}
