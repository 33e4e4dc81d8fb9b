public import Basics
public import Volumes

/// A linear map of voxel values to 8 bits: 255 (value − low) / (high − low), clamped to 0 … 255.
///
/// Results are rounded half to even. The arithmetic is float64, so that no range of float32 overflows.
///
/// Two special cases: NaN becomes 0, and where `high` is not above `low` (the percentiles of a constant tomogram) every
/// number becomes 128.
public struct EightBitConversion: Hashable, Sendable {
    /// The value that becomes 0.
    public let low: Float
    /// The value that becomes 255.
    public let high: Float

    /// The result for every number where `high` is not above `low`.
    public static let valueOfEmptyRange: UInt8 = 128

    /// - Parameters:
    ///   - low: the value that becomes 0.
    ///   - high: the value that becomes 255; it may be `low` or less.
    /// - Throws: ``ImageError`` unless both ends are finite.
    public init(low: Float, high: Float) throws(ImageError) {
        for end in [low, high] where !end.isFinite {
            throw .parameter("an end of the range of the 8-bit conversion", end, mustBe: "a finite number")
        }
        self.low = low
        self.high = high
    }

    /// The image `[y][x]` converted to 8 bits.
    ///
    /// - Complexity: one pass over the pixels. Memory is one byte for each.
    public func callAsFunction(_ image: Image<Float>) -> Image<UInt8> {
        Image(sizeOf: image) { result in image.values.withUnsafeBufferPointer { convert($0, into: result) } }
    }

    /// One slice of a volume converted to an 8-bit image `[y][x]`. Voxels of any type are read as float32.
    ///
    /// - Throws: ``ImageError`` unless the buffer holds exactly one slice.
    /// - Complexity: one pass over the voxels. Memory is five bytes for each.
    public func callAsFunction(_ slice: VoxelBuffer) throws(ImageError) -> Image<UInt8> {
        guard slice.shape.z == 1 else {
            throw ImageError(.invalidSize, "\(slice.shape.z) slices cannot be one image; convert them one by one")
        }
        let floats = slice.floats()
        return Image(uncheckedHeight: slice.shape.y, width: slice.shape.x) { result in
            floats.withUnsafeBufferPointer { convert($0, into: result) }
        }
    }

    private func convert(_ source: UnsafeBufferPointer<Float>, into result: UnsafeMutableBufferPointer<UInt8>) {
        guard high > low else {
            for index in 0..<source.count { result[index] = source[index].isNaN ? 0 : Self.valueOfEmptyRange }
            return
        }
        let low = Double(low)
        let extent = Double(high) - low
        for index in 0..<source.count {
            // Division, because a product with 255 / extent gives 127.49… for the middle of some ranges.
            let value = (Double(source[index]) - low) * 255 / extent
            // NaN fails the first comparison and becomes 0.
            let clamped = value > 0 ? (value < 255 ? value : 255) : 0
            // Adding 2⁵² rounds half to even and leaves the integer in the low byte.
            result[index] = UInt8(truncatingIfNeeded: (clamped + 0x1p52).bitPattern)
        }
    }
}
