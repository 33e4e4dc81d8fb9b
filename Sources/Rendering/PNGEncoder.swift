public import Basics
import CZlib
public import Volumes

/// Encodes pictures as PNG: 8 bits per channel, grey or RGB, not interlaced.
///
/// Each row is filtered by the filter with the smallest sum of absolute differences (the heuristic that the specification
/// recommends). The same picture gives the same bytes with the same version of zlib.
///
/// Source: PNG specification (W3C, third edition).
public struct PNGEncoder: Hashable, Sendable {
    /// The compression level of zlib, 1 (fast) … 9 (small).
    public let compressionLevel: Int

    /// - Parameter compressionLevel: 1 … 9; values outside are clamped.
    public init(compressionLevel: Int = 6) {
        self.compressionLevel = min(max(compressionLevel, 1), 9)
    }

    /// The bytes of a PNG file of a grey picture.
    ///
    /// - Throws: ``RenderingError`` where zlib cannot allocate memory.
    /// - Complexity: filters each row five times; needs about twice the memory of the picture.
    public func encode(_ picture: GreyImage) throws(RenderingError) -> [UInt8] {
        try encode(picture.pixels, height: picture.height, width: picture.width, channels: 1)
    }

    /// The bytes of a PNG file of an RGB picture.
    ///
    /// - Throws: ``RenderingError`` where zlib cannot allocate memory.
    /// - Complexity: filters each row five times; needs about twice the memory of the picture.
    public func encode(_ picture: RGBImage) throws(RenderingError) -> [UInt8] {
        try encode(picture.bytes, height: picture.height, width: picture.width, channels: 3)
    }

    private func encode(_ bytes: [UInt8], height: Int, width: Int, channels: Int) throws(RenderingError) -> [UInt8] {
        var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let colorType: UInt8 = channels == 1 ? 0 : 2
        Self.append("IHDR", Self.bigEndian(width) + Self.bigEndian(height) + [8, colorType, 0, 0, 0], to: &file)
        let compressed = try compress(Self.filtered(bytes, height: height, channels: channels))
        // Chunks of 1 MiB: a reader notices damage early, and no length comes near the limit of the format.
        for first in stride(from: 0, to: compressed.count, by: 1 << 20) {
            Self.append("IDAT", compressed[first..<min(first + 1 << 20, compressed.count)], to: &file)
        }
        Self.append("IEND", [], to: &file)
        return file
    }

    /// Appends a PNG chunk: length, type, data, and the CRC-32 of type and data.
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

    /// The filtered rows, each after one byte with the number of its filter.
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
            throw RenderingError(.unwritable, "zlib could not compress the picture (\(status)); free some memory and try again")
        }
        return compressed
    }
}

/// The five row filters of PNG: each byte is stored as its difference from a prediction by its left, upper and upper left
/// neighbours.
///
/// Source: PNG specification (W3C, third edition), section 9.
enum PNGFilter: UInt8, CaseIterable {
    case none, sub, up, average, paeth

    /// Filters a row. Returns the sum of the absolute differences, read as signed bytes: small where the prediction is good.
    ///
    /// - Parameters:
    ///   - row: the bytes of the row.
    ///   - above: the bytes of the row above; zeros above the first row.
    ///   - distance: the number of bytes per pixel.
    ///   - result: receives the filtered row; as many bytes as `row`.
    func apply(
        _ row: UnsafeBufferPointer<UInt8>, above: UnsafeBufferPointer<UInt8>, distance: Int,
        into result: UnsafeMutableBufferPointer<UInt8>
    ) -> Int {
        let border = min(distance, row.count)
        switch self {
        case .none:
            for x in 0..<row.count { result[x] = row[x] }
        case .sub:
            for x in 0..<border { result[x] = row[x] }
            for x in border..<row.count { result[x] = row[x] &- row[x - distance] }
        case .up:
            for x in 0..<row.count { result[x] = row[x] &- above[x] }
        case .average:
            for x in 0..<border { result[x] = row[x] &- above[x] / 2 }
            for x in border..<row.count {
                result[x] = row[x] &- UInt8(truncatingIfNeeded: (UInt16(row[x - distance]) &+ UInt16(above[x])) / 2)
            }
        case .paeth:
            for x in 0..<border { result[x] = row[x] &- above[x] }
            for x in border..<row.count {
                result[x] = row[x] &- Self.predictor(left: row[x - distance], above: above[x], corner: above[x - distance])
            }
        }
        var sum = 0
        for x in 0..<row.count { sum &+= Int(Int8(bitPattern: result[x]).magnitude) }
        return sum
    }

    /// The Paeth predictor: the neighbour nearest to left + above − corner; ties go to the left one, then to the upper one.
    private static func predictor(left: UInt8, above: UInt8, corner: UInt8) -> UInt8 {
        let (a, b, c) = (Int16(left), Int16(above), Int16(corner))
        let toLeft = abs(b &- c)
        let toAbove = abs(a &- c)
        let toCorner = abs(a &+ b &- c &- c)
        return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner
    }
}

/// Writes pictures as PNG files.
public enum PNGFile {
    /// Writes a colour picture to a file. The file is complete or does not appear at all.
    ///
    /// - Throws: ``RenderingError`` where the file cannot be written.
    public static func write(
        _ picture: RGBImage, to output: OutputFile, encoder: PNGEncoder = PNGEncoder()
    ) throws(RenderingError) {
        try output.writePicture(encoder.encode(picture))
    }

    /// Writes a grey picture; see ``write(_:to:encoder:)-(RGBImage,_,_)``.
    ///
    /// - Throws: ``RenderingError`` where the file cannot be written.
    public static func write(
        _ picture: GreyImage, to output: OutputFile, encoder: PNGEncoder = PNGEncoder()
    ) throws(RenderingError) {
        try output.writePicture(encoder.encode(picture))
    }
}

extension OutputFile {
    /// Writes the bytes of an encoded picture.
    ///
    /// - Throws: ``RenderingError`` of the code `unwritable` where the file cannot be written.
    func writePicture(_ bytes: [UInt8]) throws(RenderingError) {
        do throws(VolumeError) {
            try write(bytes)
        } catch {
            throw .unwritable(error)
        }
    }
}
