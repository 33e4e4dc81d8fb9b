public import Basics
import Tensors

extension DiffusionModel {
    /// Encodes a grey image of eight bits, whose sides ``imageSideFactor`` divides.
    ///
    /// - Parameter pixels: `[height][width]`; each becomes three equal channels from −1 to 1.
    /// - Throws: as ``encode(_:)-(Tensor)``.
    public func encode(gray pixels: [UInt8], height: Int, width: Int) throws(DiffusionError) -> LatentDistribution {
        guard height > 0, width > 0, height <= 1 << 15, width <= 1 << 15, pixels.count == height * width else {
            throw DiffusionError(
                .invalidInput, "takes as many pixels as an image has: \(height) × \(width) are not \(pixels.count)", path: folder)
        }
        return try encode(
            Tensor(shape: [1, height, width, 3]) { target in
                for (index, pixel) in pixels.enumerated() {
                    let value = 2 * (Float(pixel) / 255) - 1
                    for channel in 0..<3 { target.initializeElement(at: 3 * index + channel, to: value) }
                }
            })
    }
}
