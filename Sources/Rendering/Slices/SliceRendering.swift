public import Basics
public import Volumes

/// Draws a slice of a tomogram as a picture: grey values, labels in colour, a scale bar, and a caption below.
public struct SliceRendering: Sendable {
    /// The values that become black and white.
    public var contrast = SliceContrast.standard
    /// A slice whose longer side is shorter than this is enlarged by the least whole factor that reaches it.
    public var minimumSide = 512
    /// A slice whose longer side is longer than this is reduced by the least whole factor that fits it; nil never reduces.
    /// Where both limits cannot be met, this one wins.
    public var maximumSide: Int?
    /// The colours of labels and circles.
    public var palette = LabelPalette.standard
    /// The opacity of a label's colour over the grey values, 0 … 1.
    public var labelOpacity = 0.45

    public init() {}

    /// Draws one slice.
    ///
    /// - Parameters:
    ///   - slice: voxels of any type, of the shape `[1][y][x]`.
    ///   - labels: labels `[y][x]` of the same size as the slice.
    ///   - lines: thin lines that are drawn over labels.
    ///   - circles: circles that are drawn last, in the colours of their labels.
    ///   - caption: the text below the picture; without its voxel size there is no scale bar.
    /// - Throws: ``RenderingError`` where there is more than one slice, the labels differ in size, the bounds of the contrast
    ///   are out of order, a limit on the side is out of range, or the picture would be too large.
    /// - Complexity: a few passes over the voxels of the slice.
    public func callAsFunction(
        _ slice: VoxelBuffer, labels: LabelImage? = nil, lines: [SliceLine] = [], circles: [SliceCircle] = [],
        caption: SliceCaption
    ) throws(RenderingError) -> RGBImage {
        let (height, width) = (slice.shape.y, slice.shape.x)
        guard slice.shape.z == 1 else {
            throw RenderingError(.sizeMismatch, "\(slice.shape.z) slices cannot be one picture; draw them one by one")
        }
        if let labels, (labels.height, labels.width) != (height, width) {
            throw .sizeMismatch("the label image", height: labels.height, width: labels.width, expected: (height, width))
        }
        guard minimumSide >= 1, minimumSide <= PixelCount.longestSide, maximumSide ?? 1 >= 1 else {
            throw RenderingError(
                .invalidParameter,
                "a picture cannot have sides of \(minimumSide) pixels at least and \(maximumSide ?? minimumSide) at most; "
                    + "give 1 to \(PixelCount.longestSide)")
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
        picture.draw(lines, factor: scaling.factor)
        picture.draw(circles, palette: palette, factor: scaling.factor)
        let pixelSize = caption.voxelSize.map { $0.xInAngstroms / scaling.factor }
        let bar = pixelSize.flatMap { ScaleBar(imageWidth: scaled.width, pixelSizeInAngstroms: $0) }
        return try framed(picture, bar: bar, caption: caption)
    }

    /// The picture with its scale bar, and the caption strip below it.
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

/// Enlarges or reduces a slice by a whole factor, without interpolation.
enum PixelScaling: Hashable {
    /// Each pixel becomes a square of equal pixels.
    case enlarge(Int)
    /// Each square of pixels becomes one pixel; at the lower and right border the square may be cut.
    case reduce(Int)

    /// The scaling that makes the longer side at least `minimum` and at most `maximum`; where both are impossible, `maximum`
    /// wins.
    init(height: Int, width: Int, minimum: Int, maximum: Int?) {
        let longer = max(height, width)
        let enlarged = max(1, (minimum + longer - 1) / longer)
        guard let maximum else {
            self = .enlarge(enlarged)
            return
        }
        self = longer > maximum ? .reduce((longer + maximum - 1) / maximum) : .enlarge(min(enlarged, maximum / longer))
    }

    /// The new length of a side over the old one.
    var factor: Double {
        switch self {
        case .enlarge(let factor): Double(factor)
        case .reduce(let factor): 1 / Double(factor)
        }
    }

    /// The new length of a side, in pixels.
    func length(of side: Int) -> Int {
        switch self {
        case .enlarge(let factor): side * factor
        case .reduce(let factor): (side + factor - 1) / factor
        }
    }

    /// The scaled pixels `[y][x]`. `summary` computes one value from the pixels of a square when the slice is reduced.
    func apply<Pixel>(to pixels: [Pixel], height: Int, width: Int, summary: ([Pixel]) -> Pixel) -> [Pixel] {
        var result: [Pixel] = []
        result.reserveCapacity(length(of: height) * length(of: width))
        switch self {
        case .enlarge(let factor):
            for y in 0..<height {
                let row = pixels[y * width..<(y + 1) * width].flatMap { repeatElement($0, count: factor) }
                for _ in 0..<factor { result += row }
            }
        case .reduce(let factor):
            var square: [Pixel] = []
            for top in stride(from: 0, to: height, by: factor) {
                for left in stride(from: 0, to: width, by: factor) {
                    square.removeAll(keepingCapacity: true)
                    for y in top..<min(top + factor, height) {
                        square += pixels[y * width + left..<y * width + min(left + factor, width)]
                    }
                    result.append(summary(square))
                }
            }
        }
        return result
    }

    /// The mean, rounded to the nearest integer.
    static func mean(_ pixels: [UInt8]) -> UInt8 {
        let sum = pixels.reduce(0) { $0 + Int($1) }
        return UInt8(truncatingIfNeeded: (2 * sum + pixels.count) / max(2 * pixels.count, 1))
    }

    /// The most frequent label other than background, so that thin membranes have no gaps in reduced pictures. Of two equally
    /// frequent labels the smaller one; 0 where all are background.
    static func label(_ labels: [UInt32]) -> UInt32 {
        var best: (label: UInt32, count: Int) = (0, 0)
        let sorted = labels.filter { $0 != 0 }.sorted()
        var first = 0
        while first < sorted.count {
            let end = sorted[first...].firstIndex { $0 != sorted[first] } ?? sorted.count
            if end - first > best.count { best = (sorted[first], end - first) }
            first = end
        }
        return best.label
    }
}
