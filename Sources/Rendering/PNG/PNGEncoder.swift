public import Basics
import CZlib

/// Encodes pictures as PNG: 8 bits a channel, grey or RGB, not interlaced.
///
/// Each row has the filter whose differences are smallest (the minimum-sum heuristic that the specification advises).
/// The same picture gives the same bytes with the same version of zlib.
///
/// Source: PNG specification (W3C, third edition).
public struct PNGEncoder: Hashable, Sendable {
    /// zlib's effort, 1 (fast) … 9 (small).
    public let compressionLevel: Int

    /// A level outside 1 … 9 is moved to the nearest inside.
    public init(compressionLevel: Int = 6) {
        self.compressionLevel = min(max(compressionLevel, 1), 9)
    }

    /// - Throws: ``RenderingError`` where zlib has no memory.
    /// - Complexity: memory is twice that of the picture.
    public func encode(_ picture: GreyImage) throws(RenderingError) -> [UInt8] {
        try encode(picture.pixels, height: picture.height, width: picture.width, channels: 1)
    }

    /// - Throws: ``RenderingError`` where zlib has no memory.
    /// - Complexity: memory is twice that of the picture.
    public func encode(_ picture: RGBImage) throws(RenderingError) -> [UInt8] {
        try encode(picture.bytes, height: picture.height, width: picture.width, channels: 3)
    }

    private func encode(_ bytes: [UInt8], height: Int, width: Int, channels: Int) throws(RenderingError) -> [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let colorType: UInt8 = channels == 1 ? 0 : 2
        Self.append("IHDR", Self.bigEndian(width) + Self.bigEndian(height) + [8, colorType, 0, 0, 0], to: &file)
        let compressed = try compress(Self.filtered(bytes, height: height, channels: channels))
        // A megabyte a chunk: a damaged file is noticed early, and no length comes near the format's limit.
        for first in stride(from: 0, to: compressed.count, by: 1 << 20) {
            Self.append("IDAT", compressed[first..<min(first + 1 << 20, compressed.count)], to: &file)
        }
        Self.append("IEND", [], to: &file)
        return file
    }

    /// Length, type, data, and the checksum of type and data.
    private static func append(_ type: String, _ data: some Collection<UInt8>, to file: inout [UInt8]) {
        file += bigEndian(data.count)
        let first = file.count
        file += type.utf8
        file += data
        let checksum = file[first...].withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
        file += bigEndian(Int(checksum))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian, Array.init)
    }

    /// Each row behind the number of its filter.
    private static func filtered(_ bytes: [UInt8], height: Int, channels: Int) -> [UInt8] {
        let stride = bytes.count / height
        let zeros = [UInt8](repeating: 0, count: stride)
        var candidate = [UInt8](repeating: 0, count: stride)
        var best = candidate
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + height)
        for y in 0..<height {
            var chosen = PNGFilter.none
            var smallest = Int.max
            for filter in PNGFilter.allCases {
                let sum = bytes.withUnsafeBufferPointer { bytes in
                    zeros.withUnsafeBufferPointer { zeros in
                        candidate.withUnsafeMutableBufferPointer { candidate in
                            filter.apply(
                                UnsafeBufferPointer(rebasing: bytes[y * stride..<(y + 1) * stride]),
                                above: y == 0 ? zeros : UnsafeBufferPointer(rebasing: bytes[(y - 1) * stride..<y * stride]),
                                distance: channels, into: candidate)
                        }
                    }
                }
                if sum < smallest {
                    (smallest, chosen) = (sum, filter)
                    swap(&best, &candidate)
                }
            }
            result.append(chosen.rawValue)
            result += best
        }
        return result
    }

    private func compress(_ bytes: [UInt8]) throws(RenderingError) -> [UInt8] {
        var status = Z_OK
        let compressed = [UInt8](unsafeUninitializedCapacity: Int(compressBound(uLong(bytes.count)))) { buffer, count in
            var length = uLong(buffer.count)
            status = compress2(buffer.baseAddress, &length, bytes, uLong(bytes.count), Int32(compressionLevel))
            count = status == Z_OK ? Int(length) : 0
        }
        guard status == Z_OK else {
            throw RenderingError(.unwritable, "the picture could not be compressed: zlib reports \(status)")
        }
        return compressed
    }
}
