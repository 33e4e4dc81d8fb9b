public import ImageProcessing

/// Where the foreground pixels of an image come to when they follow the flows.
public struct EndPoints: Sendable {
    public let foreground: Mask
    /// For each foreground pixel, in raster order, where it came to: (y, x) in pixels, within the image.
    public let positions: [SIMD2<Float>]

    init(of foreground: Mask, positions: [SIMD2<Float>]) {
        self.foreground = foreground
        self.positions = positions
    }
}
