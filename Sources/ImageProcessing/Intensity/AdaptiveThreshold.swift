public import Basics

/// A threshold that compares each pixel with the Gaussian-weighted mean around it: OpenCV's `adaptiveThreshold` with
/// `ADAPTIVE_THRESH_GAUSSIAN_C`.
///
/// The mean is taken in float32 over `blockSize` × `blockSize` pixels with σ = 0.3 ((blockSize − 1) / 2 − 1) + 0.8 and a
/// replicated border, and rounded half to even to 8 bits. Mean and mask agree with OpenCV in every pixel, except where the
/// mean is so near a half (about 10⁻⁵) that the order of float32 additions decides.
public struct AdaptiveThreshold: Hashable, Sendable {
    /// What makes a pixel foreground.
    public enum Direction: String, Codable, CaseIterable, Hashable, Sendable {
        /// pixel > mean + C. With a positive C, flat regions are background; for bright structures.
        case aboveMean
        /// pixel > mean − C: OpenCV's `THRESH_BINARY`. With a positive C, flat regions are foreground.
        case openCVBinary
    }

    /// The side of the square over which the mean is taken, in pixels.
    public let blockSize: Int
    /// C: the least difference between a pixel and the mean, in grey levels.
    public let offset: Double
    /// The comparison that makes a pixel foreground.
    public let direction: Direction
    private let kernel: GaussianKernel

    /// - Throws: ``ImageError`` unless the block size is odd and in 3 … 511, and C is in −255 … 255.
    public init(blockSize: Int = 15, offset: Double = 3, direction: Direction = .aboveMean) throws(ImageError) {
        guard (3...511).contains(blockSize), blockSize % 2 == 1 else {
            throw .parameter("the block of the adaptive threshold", blockSize, mustBe: "an odd number in 3 … 511")
        }
        guard (-255...255).contains(offset) else {
            throw .parameter("the offset C of the adaptive threshold", offset, mustBe: "in −255 … 255")
        }
        self.blockSize = blockSize
        self.offset = offset
        self.direction = direction
        kernel = try GaussianKernel(size: blockSize)
    }

    /// The mask `[y][x]` of an 8-bit image.
    ///
    /// - Complexity: `blockSize` multiplications for each pixel. Memory is the result and `blockSize` rows of float32.
    public func callAsFunction(_ image: Image<UInt8>) -> Mask {
        // Pixel and mean are integers: their difference exceeds C exactly where it exceeds the integer at or below C.
        let limit = Float(direction == .aboveMean ? offset.rounded(.down) : -offset.rounded(.up))
        let width = image.width
        return Mask(
            sizeOf: image,
            initializingBytesWith: { result in
                image.values.withUnsafeBufferPointer { source in
                    forEachRowOfMeans(of: image) { y, means in
                        let first = y * width
                        for x in 0..<width {
                            result[first &+ x] = Float(source[first &+ x]) - Self.rounded(means[x]) > limit ? 1 : 0
                        }
                    }
                }
            })
    }

    /// The mean around each pixel, rounded to 8 bits, `[y][x]`.
    ///
    /// - Complexity: as for the threshold.
    public func localMeans(of image: Image<UInt8>) -> Image<UInt8> {
        Image(sizeOf: image) { result in
            forEachRowOfMeans(of: image) { y, means in
                for (x, mean) in means.enumerated() {
                    // The mean of pixels that are all 255 may be 255.00001.
                    result[y * image.width + x] = UInt8(min(max(Self.rounded(mean), 0), 255))
                }
            }
        }
    }

    /// Calls `body` with each row of means, not rounded.
    private func forEachRowOfMeans(of image: Image<UInt8>, _ body: (_ y: Int, UnsafeBufferPointer<Float>) -> Void) {
        image.values.withUnsafeBufferPointer { source in
            SymmetricFilter(kernel, border: .replicate)(height: image.height, width: image.width) { y, row in
                let first = y * image.width
                for x in row.indices { row[x] = Float(source[first &+ x]) }
            } emit: { y, means in
                body(y, means)
            }
        }
    }

    /// Rounds half to even: float32 has no fractions from 2²³ on.
    @inline(__always)
    private static func rounded(_ mean: Float) -> Float { (mean + 0x1p23) - 0x1p23 }
}
