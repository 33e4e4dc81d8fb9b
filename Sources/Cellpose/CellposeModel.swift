public import Basics
public import Checkpoints
public import ImageProcessing
internal import Tensors

/// A network of CellPose with what belongs to it: normalisation, the scale at which it knows objects, and tiles.
///
/// ```swift
/// let model = try CellposeModel(path: "cyto3")
/// let maps = try model.maps(of: slice, diameter: 22)
/// ```
public struct CellposeModel: Sendable {
    public let network: CellposeNetwork
    /// The diameter, in pixels, to which objects are scaled for the network.
    public let meanDiameter: Double
    /// The file of weights.
    public let path: String

    /// The diameter that CellPose takes for every network but `nuclei`, which has 17.
    public static let standardDiameter = 30.0
    /// The most pixels of an image after scaling.
    public static let mostPixels = 1 << 28

    /// - Parameters:
    ///   - path: a file that CellPose saved, or a safetensors file of the same tensors
    ///   - meanDiameter: in the place of what the file says. Where neither says anything, it is ``standardDiameter``. The published
    ///     `nuclei` needs 17.
    /// - Throws: ``CellposeError`` where the file cannot be read or is of another network.
    public init(path: String, meanDiameter: Double? = nil) throws(CellposeError) {
        let checkpoint: Checkpoint
        do throws(CheckpointError) { checkpoint = try Checkpoint(path: path) } catch { throw CellposeError(error) }
        try self.init(checkpoint, meanDiameter: meanDiameter)
    }

    /// The same, of a checkpoint that is open.
    public init(_ checkpoint: Checkpoint, meanDiameter: Double? = nil) throws(CellposeError) {
        path = checkpoint.path
        network = try CellposeNetwork(checkpoint)
        self.meanDiameter = meanDiameter ?? network.meanDiameter ?? Self.standardDiameter
        guard self.meanDiameter.isFinite, self.meanDiameter > 0 else {
            throw CellposeError(.invalidInput, "cannot take objects of the diameter \(self.meanDiameter)", path: path)
        }
        guard TileLine.mostLength % network.sideMultiple == 0, 16 % network.sideMultiple == 0 else {
            throw CellposeError(
                .unsupported, "has \(network.widths.count - 1) levels, too many for tiles of \(TileLine.mostLength) pixels",
                path: path)
        }
    }

    /// Runs the network on an image, in tiles, and brings the maps back to the image's size.
    ///
    /// The image is normalised, scaled so that objects have ``meanDiameter``, given a second channel of zeros, padded and cut into
    /// tiles of 224², with results averaged in overlaps: what `CellposeModel.eval` of cellpose 3.1.1.3 does by default. The one
    /// difference: a constant image is taken as zeros, where cellpose leaves it as it is.
    ///
    /// - Parameters:
    ///   - diameter: of the objects, in pixels of the image; objects larger than the image are allowed
    ///   - tilesAtOnce: how many tiles pass the network together; results do not depend on it, memory does
    /// - Returns: Maps of the image's size.
    /// - Throws: ``CellposeError`` where a pixel is NaN or infinite, the diameter is not positive, the image scaled would have no
    ///   pixels, or more than ``mostPixels`` or 65,536 along a side, or the network gives numbers that are not finite.
    /// - Complexity: time is that of ``CellposeNetwork/callAsFunction(_:)`` for each tile; memory is 32 bytes for each pixel of the
    ///   scaled image and 80 MB for each tile at once.
    public func maps(of image: Image<Float>, diameter: Double, tilesAtOnce: Int = 4) throws(CellposeError) -> CellposeMaps {
        guard diameter.isFinite, diameter > 0 else {
            throw invalid("cannot look for objects of the diameter \(diameter): give one in pixels, more than 0")
        }
        if let index = image.values.firstIndex(where: { !$0.isFinite }) {
            throw invalid(
                "cannot take an image whose pixel in row \(index / image.width), column \(index % image.width) is not finite")
        }
        let scale = meanDiameter / diameter
        let (height, width) = (Double(image.height) * scale, Double(image.width) * scale)
        guard height >= 1, width >= 1 else {
            throw invalid(
                "would be shown an image of \(image.width) × \(image.height) pixels scaled to nothing by \(scale): the diameter "
                    + "\(diameter) is too large for it")
        }
        guard max(height, width) <= 65_536, height * width <= Double(Self.mostPixels) else {
            throw invalid(
                "would be shown an image of \(image.width) × \(image.height) pixels enlarged \(scale) times, more than "
                    + "\(Self.mostPixels) pixels: the diameter \(diameter) is too small, or cut the image")
        }
        var maps: [Image<Float>]
        let style: [Float]
        do throws(ImageError) {
            let normalized = try image.normalizedByPercentiles()
            let shown = scale == 1 ? normalized : try normalized.resized(height: Int(height), width: Int(width))
            (maps, style) = run(shown, tilesAtOnce: max(tilesAtOnce, 1))
            if scale != 1 {
                maps = try maps.map { map throws(ImageError) in try map.resized(height: image.height, width: image.width) }
            }
        } catch {
            throw CellposeError(error, path: path)
        }
        guard maps.allSatisfy({ $0.values.allSatisfy(\.isFinite) }), style.allSatisfy(\.isFinite) else {
            throw CellposeError(
                .notFinite, "gave numbers that are not finite: its weights are damaged, or the image has extreme values",
                path: path)
        }
        return CellposeMaps(flowY: maps[0], flowX: maps[1], cellProbability: maps[2], style: style)
    }

    private func invalid(_ message: String) -> CellposeError { CellposeError(.invalidInput, message, path: path) }
}

extension CellposeModel {
    /// The objects of an image: the network's maps, followed to where they lead.
    ///
    /// - Parameters:
    ///   - image: `[y][x]`; a mask is shown as 0 and 1.
    ///   - diameter: of the objects, in pixels of the image.
    ///   - probability: the logit that a pixel of an object exceeds.
    ///   - errorLimit: the greatest flow error of an object; nil checks none.
    /// - Returns: Labels 1 … n of the image's size, 0 for ground.
    /// - Throws: ``CellposeError`` as ``maps(of:diameter:tilesAtOnce:)`` does, ``FlowError`` where a parameter lies outside its range.
    /// - Complexity: that of the maps, and 200 steps for each pixel of the foreground at the scale that the network saw.
    public func instances(
        in image: Image<Float>, diameter: Double, probability: Float = 0, errorLimit: Double? = 0.4
    ) throws -> Image<Int32> {
        let maps = try maps(of: image, diameter: diameter)
        // Flows are followed at the image's own scale, in as many of its pixels as 200 are at the network's.
        let masks = try CellposeMasks(
            probabilityThreshold: probability, iterations: max(1, Int(200 * diameter / meanDiameter)), errorLimit: errorLimit)
        return try masks(flowY: maps.flowY, flowX: maps.flowX, probability: maps.cellProbability)
    }
}

/// What CellPose's network makes of an image: for each pixel the way to the centre of its cell, and whether it is in one.
public struct CellposeMaps: Hashable, Sendable {
    /// The flow along y, downwards; five times as long as a unit vector where the network is sure.
    public let flowY: Image<Float>
    /// The flow along x, to the right, likewise.
    public let flowX: Image<Float>
    /// The logit of being in a cell: 0 is a probability of one half.
    public let cellProbability: Image<Float>
    /// What the whole image looks like to the network, a vector of length 1: the mean over its tiles.
    public let style: [Float]
}

extension Image<Float> {
    /// The pixels between which percentiles are looked for, beyond which an image is thinned out: 224³.
    private static let percentilePixels = 11_239_424

    /// The image with its 1st percentile at 0 and its 99th at 1, as CellPose wants it: `(x − p₁) / (p₉₉ − p₁)`.
    ///
    /// Where the percentiles lie no more than 10⁻³ apart, in a constant image too, all pixels become 0. Percentiles of an image of
    /// more than 224³ pixels are those of every (side / 224)-th row and column.
    ///
    /// - Precondition: all pixels are finite.
    /// - Complexity: sorts the pixels.
    func normalizedByPercentiles() throws(ImageError) -> Image {
        guard let bounds = try thinnedOut().percentiles([1, 99]), bounds[1] - bounds[0] > 1e-3 else { return map { _ in 0 } }
        let range = bounds[1] - bounds[0]
        return map { ($0 - bounds[0]) / range }
    }

    private func thinnedOut() -> Image {
        guard values.count > Self.percentilePixels else { return self }
        let (rows, columns) = (max(1, height / 224), max(1, width / 224))
        let kept = stride(from: 0, to: height, by: rows).flatMap { y in
            stride(from: y * width, to: (y + 1) * width, by: columns).map { values[$0] }
        }
        return Image(height: 1, width: kept.count, values: kept) ?? self
    }
}
