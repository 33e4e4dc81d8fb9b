import Basics

/// One step of the encoding of a chunk that takes bytes and gives bytes: a compressor, a shuffle, a checksum.
///
/// Sources: the documents of numcodecs 0.16 for the codecs of zarr version 2; the zarr core specification, version 3, and the
/// registry of its extensions for those of version 3.
enum ZarrByteCodec: Hashable, Sendable {
    /// Blosc frames. What is inside a frame stands in the frame.
    case blosc
    case zstd, gzip, zlib
    /// numcodecs' `lz4`: the decoded size in four bytes, little-endian, then one block.
    case lz4
    case shuffle(elementSize: Int)
    /// The checksum stands before the bytes or after them.
    case checksum(Checksum32, isAtEnd: Bool)

    /// The number of bytes after a step of the encoding: exactly, or, after a compressor, at most.
    struct Size: Hashable, Sendable {
        let count: Int
        let isExact: Bool
    }

    /// The codec of a configuration; nil if it is not read.
    init?(_ configuration: ZarrCodecConfiguration) {
        switch configuration.name {
        case "blosc": self = .blosc
        case "zstd": self = .zstd
        case "gzip": self = .gzip
        case "zlib": self = .zlib
        case "lz4": self = .lz4
        case "shuffle":
            // numcodecs' default. More than the largest element of a field's record is no element.
            let size = configuration.elementSize ?? 4
            guard (0...4096).contains(size) else { return nil }
            self = .shuffle(elementSize: max(size, 1))
        case "crc32c", "crc32":
            let isCastagnoli = configuration.name == "crc32c"
            switch configuration.location ?? (isCastagnoli ? "end" : "start") {
            case "start": self = .checksum(isCastagnoli ? .castagnoli : .gzip, isAtEnd: false)
            case "end": self = .checksum(isCastagnoli ? .castagnoli : .gzip, isAtEnd: true)
            default: return nil
            }
        default: return nil
        }
    }

    /// The library that decodes it; nil for what needs none.
    var library: CodecLibrary? {
        switch self {
        case .blosc: .blosc
        case .zstd: .zstd
        case .lz4: .lz4
        case .gzip, .zlib, .shuffle, .checksum: nil
        }
    }

    /// The size after this step of the encoding.
    func encodedSize(of size: Size) -> Size {
        switch self {
        case .blosc: Size(count: size.count + BloscFrame.overhead, isExact: false)
        // Data that cannot be compressed grow by a thousandth. No setting of deflate or Zstandard doubles them.
        case .gzip, .zlib, .zstd: Size(count: 2 * size.count + 65_536, isExact: false)
        case .lz4: Size(count: size.count + size.count / 255 + 20, isExact: false)
        case .shuffle: size
        case .checksum: Size(count: size.count + Checksum32.size, isExact: size.isExact)
        }
    }

    /// The most bytes to which one encoded byte decodes. A block of Zstandard has 128 KiB at most, and three bytes at least
    /// beside its content. A byte of LZ4 that lengthens a match lengthens it by 255 at most.
    private var ratioLimit: Int {
        switch self {
        case .blosc, .zstd: 32_768
        case .gzip, .zlib: Inflate.ratioLimit
        case .lz4: 255
        case .shuffle, .checksum: 1
        }
    }

    /// Undoes the step.
    ///
    /// - Parameter size: the size of the result.
    /// - Throws: ``VolumeError``: `.tooLarge`, before memory is allocated, where so few bytes cannot decode to so many, or
    ///   where a library gets no memory; `.truncated` or `.malformed` where the bytes are damaged or have another size;
    ///   `.unsupported` where a library is missing, or lacks a compressor.
    /// - Complexity: one pass; allocates the result, except that a checksum takes a part of the bytes without a copy.
    func decode(_ encoded: ArraySlice<UInt8>, to size: Size, path: String) throws(VolumeError) -> ArraySlice<UInt8> {
        if case .checksum(let checksum, let isAtEnd) = self {
            return try Self.verified(encoded, checksum, isAtEnd: isAtEnd, path: path)
        }
        // The slack is what a header or a few bytes at the end may decode to.
        let limit = ratioLimit * encoded.count + 65_536
        guard !size.isExact || size.count <= limit else {
            throw VolumeError(
                .tooLarge,
                "declares \(size.count) bytes, which \(encoded.count) compressed bytes cannot hold; check the metadata",
                path: path)
        }
        let output = try [UInt8](uninitialized: min(size.count, limit)) { (output) throws(VolumeError) in
            let result: Result<Int, VolumeError> = encoded.withUnsafeBytes { input in
                do throws(VolumeError) {
                    return .success(try decode(input, into: output, isExact: size.isExact, path: path))
                } catch { return .failure(error) }
            }
            return try result.get()
        }
        guard !size.isExact || output.count == size.count else {
            throw .malformedChunk("decompresses to \(output.count) instead of \(size.count) bytes", path: path)
        }
        return output[...]
    }

    /// Decodes into memory; returns the number of bytes.
    private func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isExact: Bool, path: String
    ) throws(VolumeError) -> Int {
        switch self {
        case .blosc: return try Self.decodeBlosc(input, into: output, isExact: isExact, path: path)
        case .gzip, .zlib: return try decodeDeflate(input, into: output, path: path)
        case .zstd:
            guard let library = ZstdLibrary.shared else { throw CodecLibrary.zstd.missing(path: path) }
            guard let count = library.decode(input, into: output) else {
                throw .malformedChunk("is not Zstandard data, or decompresses to more than \(output.count) bytes", path: path)
            }
            return count
        case .lz4:
            guard let library = LZ4Library.shared else { throw CodecLibrary.lz4.missing(path: path) }
            guard input.count > 4 else { throw VolumeError.malformedChunk("has only \(input.count) bytes", path: path) }
            let count = Int(UInt32(littleEndian: input.loadUnaligned(as: UInt32.self)))
            guard count <= output.count, !isExact || count == output.count else {
                throw .malformedChunk("declares \(count) instead of \(output.count) bytes", path: path)
            }
            let block = UnsafeRawBufferPointer(rebasing: input[4...])
            guard library.decode(block, into: UnsafeMutableRawBufferPointer(rebasing: output[..<count])) == count else {
                throw .malformedChunk("is not a block of LZ4 of \(count) bytes", path: path)
            }
            return count
        case .shuffle(let elementSize):
            // numcodecs shuffles nothing but whole elements.
            guard input.count % elementSize == 0, input.count <= output.count else {
                throw .malformedChunk("has \(input.count) bytes of shuffled elements of \(elementSize) bytes", path: path)
            }
            ByteShuffle.undo(input, elementSize: elementSize, into: output)
            return input.count
        case .checksum: return 0
        }
    }

    private static func decodeBlosc(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isExact: Bool, path: String
    ) throws(VolumeError) -> Int {
        guard let library = BloscLibrary.shared else { throw CodecLibrary.blosc.missing(path: path) }
        guard let frame = BloscFrame(input) else { throw .malformedChunk("is not a frame of Blosc 1", path: path) }
        guard frame.isPlausible(fileSize: input.count) else {
            throw .malformedChunk("has a Blosc header that does not fit its \(input.count) bytes", path: path)
        }
        guard frame.decodedCount <= output.count, !isExact || frame.decodedCount == output.count else {
            throw .malformedChunk("decompresses to \(frame.decodedCount) instead of \(output.count) bytes", path: path)
        }
        guard let compressor = frame.compressor, library.compressors.contains(compressor) else {
            throw .codecNotSupported("blosc (\(frame.compressor ?? "unknown"))", path: path)
        }
        let target = UnsafeMutableRawBufferPointer(rebasing: output[..<frame.decodedCount])
        // A thread costs some tens of microseconds to start: less than a hundredth of the time that 4 MiB take.
        let threads = frame.decodedCount >= 4 << 20 ? 2 : 1
        guard library.decodedCount(input) == frame.decodedCount, library.decode(input, into: target, threads: threads) else {
            throw .malformedChunk("is a damaged Blosc frame", path: path)
        }
        return frame.decodedCount
    }

    private func decodeDeflate(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, path: String
    ) throws(VolumeError) -> Int {
        let progress = Inflate.decode(input, self == .gzip ? .gzip : .zlib, into: output)
        switch progress.status {
        case .ended where progress.consumed == input.count: return progress.produced
        case .ended: throw .malformedChunk("has \(input.count - progress.consumed) bytes after its end", path: path)
        case .unfinished where progress.produced == output.count:
            throw .malformedChunk("decompresses to more than \(output.count) bytes", path: path)
        case .unfinished where progress.consumed == input.count:
            throw VolumeError(
                .truncated, "ends after \(progress.produced) of \(output.count) bytes: the chunk is damaged, fetch it again",
                path: path)
        case .unfinished, .damaged:
            throw .malformedChunk("is not \(self == .zlib ? "zlib" : "gzip") data", path: path)
        case .outOfMemory:
            throw VolumeError(.tooLarge, "could not be decompressed for want of memory; run fewer jobs at once", path: path)
        }
    }

    private static func verified(
        _ bytes: ArraySlice<UInt8>, _ checksum: Checksum32, isAtEnd: Bool, path: String
    ) throws(VolumeError) -> ArraySlice<UInt8> {
        guard bytes.count >= Checksum32.size else {
            throw VolumeError(
                .truncated, "has \(bytes.count) bytes, too few for its checksum: the chunk is damaged, fetch it again", path: path
            )
        }
        let data = isAtEnd ? bytes.dropLast(Checksum32.size) : bytes.dropFirst(Checksum32.size)
        let stored = isAtEnd ? bytes.suffix(Checksum32.size) : bytes.prefix(Checksum32.size)
        let value = stored.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard data.withUnsafeBytes({ checksum.value(of: $0) }) == value else {
            throw .malformedChunk("has another checksum than it should have", path: path)
        }
        return data
    }
}
