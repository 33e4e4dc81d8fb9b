public import Basics

/// Which pixels differ from the mean around them, weighted by a Gaussian: OpenCV's `adaptiveThreshold` with
/// `ADAPTIVE_THRESH_GAUSSIAN_C`.
///
/// The mean is taken in float32 over `blockSize` × `blockSize` pixels, σ = 0.3 ((blockSize − 1) / 2 − 1) + 0.8, the
/// border replicated; it is rounded half to even to 8 bits, and compared with the pixel. Both agree with OpenCV in
/// every pixel, but where the mean lies so near a half (about 10⁻⁵) that the order of float32 additions decides.
public struct AdaptiveThreshold: Hashable, Sendable {
    /// What makes a pixel foreground.
    public enum Direction: String, Codable, CaseIterable, Hashable, Sendable {
        /// It exceeds the mean by more than C: structures are bright, and whatever is flat is background.
        case aboveMean
        /// It is above the mean less C: OpenCV's `THRESH_BINARY`. With a positive C whatever is flat is foreground.
        case openCVBinary
    }

    /// The side of the square over which the mean is taken, in pixels.
    public let blockSize: Int
    /// C: by how much a pixel must differ, in grey levels.
    public let offset: Double
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

    /// The foreground of an image of 8 bits.
    ///
    /// - Complexity: `blockSize` multiplications of a pixel; memory is the result and `blockSize` rows of float32.
    public func callAsFunction(_ image: Image<UInt8>) -> Mask {
        // Both sides are whole numbers: to exceed C is to exceed the whole number below it.
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

    /// The mean around each pixel, rounded.
    public func localMeans(of image: Image<UInt8>) -> Image<UInt8> {
        Image(sizeOf: image) { result in
            forEachRowOfMeans(of: image) { y, means in
                for (x, mean) in means.enumerated() {
                    // A mean of pixels of 255 may be 255.00001.
                    result[y * image.width + x] = UInt8(min(max(Self.rounded(mean), 0), 255))
                }
            }
        }
    }

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

    /// Half to even: where 2²³ is added, no fraction is left.
    @inline(__always)
    private static func rounded(_ mean: Float) -> Float { (mean + 0x1p23) - 0x1p23 }
}
