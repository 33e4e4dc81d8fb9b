public import Basics
public import Volumes

/// Draws a slice of a tomogram as a picture for people: grey, with labels in colour, a scale bar, and a caption below.
public struct SliceRendering: Sendable {
    /// Which values become black and white.
    public var contrast = SliceContrast.standard
    /// Slices whose longer side is shorter are enlarged by a whole factor until it is not.
    public var minimumSide = 512
    /// Slices whose longer side is longer are reduced by a whole factor until it is not; nil never reduces.
    public var maximumSide: Int?
    /// The colours of labels.
    public var palette = LabelPalette.standard
    /// How much of a label's colour covers the grey, 0 … 1.
    public var labelOpacity = 0.45

    public init() {}

    /// The picture of one slice.
    ///
    /// - Parameters:
    ///   - slice: the voxels of one slice, of any type.
    ///   - labels: labels `[y][x]` of the same size as the slice.
    ///   - circles: drawn over all, in the colours of their labels.
    /// - Throws: ``RenderingError`` where there are several slices, the labels differ in size, the contrast is out of
    ///   order, or the picture would be too large.
    /// - Complexity: a few passes over the voxels of the slice.
    public func callAsFunction(
        _ slice: VoxelBuffer, labels: LabelImage? = nil, circles: [SliceCircle] = [], caption: SliceCaption
    ) throws(RenderingError) -> RGBImage {
        let (height, width) = (slice.shape.y, slice.shape.x)
        guard slice.shape.z == 1 else {
            throw RenderingError(.sizeMismatch, "\(slice.shape.z) slices cannot be one picture; draw them one by one")
        }
        if let labels, (labels.height, labels.width) != (height, width) {
            throw .sizeMismatch("the label image", height: labels.height, width: labels.width, expected: (height, width))
        }
        guard minimumSide >= 1, minimumSide <= PixelCount.longestSide, maximumSide ?? 1 >= 1 else {
            throw RenderingError(.invalidParameter, "the sides of a picture must be in 1 … \(PixelCount.longestSide)")
        }
        let scaling = PixelScaling(height: height, width: width, minimum: minimumSide, maximum: maximumSide)
        let scaled = (height: scaling.length(of: height), width: scaling.length(of: width))
        guard PixelCount.of(height: scaled.height, width: scaled.width) != nil else {
            throw .tooLarge(height: scaled.height, width: scaled.width)
        }

        let pixels = scaling.apply(
            to: try contrast.grey(slice.floats()), height: height, width: width, summary: PixelScaling.mean)
        guard let grey = GreyImage(height: scaled.height, width: scaled.width, pixels: pixels) else {
            throw .tooLarge(height: scaled.height, width: scaled.width)
        }
        var picture = RGBImage(grey)
        if let labels {
            let values = scaling.apply(to: labels.labels, height: height, width: width, summary: PixelScaling.label)
            if let labels = LabelImage(height: scaled.height, width: scaled.width, labels: values) {
                picture.overlay(labels, palette: palette, opacity: labelOpacity)
            }
        }
        picture.draw(circles, palette: palette, factor: scaling.factor)
        let pixelSize = caption.voxelSize.map { $0.xInAngstroms / scaling.factor }
        let bar = pixelSize.flatMap { ScaleBar(imageWidth: scaled.width, pixelSizeInAngstroms: $0) }
        return try framed(picture, bar: bar, caption: caption)
    }

    /// The picture with its scale bar, above a strip with the caption.
    private func framed(_ picture: RGBImage, bar: ScaleBar?, caption: SliceCaption) throws(RenderingError) -> RGBImage {
        let strip = CaptionStrip(caption, pictureWidth: picture.width)
        let height = picture.height + strip.height
        guard var result = RGBImage(height: height, width: strip.width, filledWith: CaptionStrip.background) else {
            throw .tooLarge(height: height, width: strip.width)
        }
        let left = (strip.width - picture.width) / 2
        result.draw(picture, y: 0, x: left)
        if let bar {
            result.draw(bar, inY: 0..<picture.height, x: left..<left + picture.width, scale: strip.scale)
        }
        strip.draw(on: &result, y: picture.height)
        return result
    }
}
