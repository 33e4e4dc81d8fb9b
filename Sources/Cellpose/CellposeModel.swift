public import Basics
public import Checkpoints
public import ImageProcessing
internal import Tensors

/// A CellPose model for whole images: normalisation, scaling to the diameter of the training, tiles, and the network.
///
/// ```swift
/// let model = try CellposeModel(path: "cyto3")
/// let maps = try model.maps(of: slice, diameter: 22)
/// ```
public struct CellposeModel: Sendable {
    public let network: CellposeNetwork
    /// The diameter in pixels to which objects are scaled for the network.
    public let meanDiameter: Double
    /// Whether ``meanDiameter`` follows from the name of the file, and not from its content.
    public let takesDiameterFromName: Bool
    /// The file of weights.
    public let path: String

    /// The ``meanDiameter`` in pixels of all published models but `nuclei`, whose is 17.
    public static let standardDiameter = 30.0
    /// The ``meanDiameter`` in pixels of the published `nuclei`.
    public static let nucleiDiameter = 17.0
    /// The largest number of pixels of an image after scaling.
    public static let mostPixels = 1 << 28

    /// Opens a model.
    ///
    /// - Parameters:
    ///   - path: a file that CellPose saved, or a safetensors file of the same tensors
    ///   - meanDiameter: replaces the diameter in the file. If both are missing, it is ``nucleiDiameter`` for a file that has the
    ///     name of the published `nuclei`, and otherwise ``standardDiameter``.
    /// - Throws: ``CellposeError`` if the file cannot be read or holds another network, or the diameter is not positive and
    ///   finite.
    public init(path: String, meanDiameter: Double? = nil) throws(CellposeError) {
        let checkpoint: Checkpoint
        do throws(CheckpointError) { checkpoint = try Checkpoint(path: path) } catch { throw CellposeError(error) }
        try self.init(checkpoint, meanDiameter: meanDiameter)
    }

    /// The same for an open checkpoint.
    ///
    /// - Throws: ``CellposeError`` if it holds another network, or the diameter is not positive and finite.
    public init(_ checkpoint: Checkpoint, meanDiameter: Double? = nil) throws(CellposeError) {
        path = checkpoint.path
        network = try CellposeNetwork(checkpoint)
        self.meanDiameter = meanDiameter ?? network.meanDiameter ?? Self.diameterByName(path)
        takesDiameterFromName = meanDiameter == nil && network.meanDiameter == nil && self.meanDiameter != Self.standardDiameter
        guard self.meanDiameter.isFinite, self.meanDiameter > 0 else {
            throw CellposeError(
                .invalidInput, "cannot take objects of the diameter \(self.meanDiameter); give a positive number", path: path)
        }
        guard TileLine.mostLength % network.sideMultiple == 0, 16 % network.sideMultiple == 0 else {
            throw CellposeError(
                .unsupported,
                "has \(network.widths.count - 1) levels, too many for tiles of \(TileLine.mostLength) pixels; give a model of at most 5",
                path: path)
        }
    }

    /// The diameter of a file that does not hold it: CellPose itself knows `nuclei`, whose file is `nucleitorch_0`, by its name.
    private static func diameterByName(_ path: String) -> Double {
        let name = path.split(separator: "/").last?.split(separator: ".").first.map(String.init) ?? ""
        return name == "nuclei" || name == "nucleitorch_0" ? nucleiDiameter : standardDiameter
    }

    /// What it is, in one line for people to read.
    public var summary: String {
        let origin = network.meanDiameter != nil ? "in the file" : takesDiameterFromName ? "by its name" : "of published models"
        let channels = network.widths.dropFirst().map(String.init).joined(separator: ", ")
        return "CPnet of CellPose, \(channels) channels, \(network.widths[0]) of the image, objects scaled to a diameter of "
            + "\(meanDiameter) pixels (\(origin))"
    }

    /// Runs the network on an image, in tiles, and resizes the maps to the image's size.
    ///
    /// The image is normalised by its percentiles, scaled so that objects have the diameter ``meanDiameter``, extended by a
    /// second channel of zeros, padded, and cut into tiles of 224² pixels, whose results are averaged in overlaps. This is the
    /// default of `CellposeModel.eval` in cellpose 3.1.1.3, with one difference: a constant image becomes zeros, where cellpose
    /// does not change it.
    ///
    /// - Parameters:
    ///   - image: `[y][x]`
    ///   - diameter: the diameter of the objects, in pixels of the image; objects may be larger than the image
    ///   - tilesAtOnce: the number of tiles in a batch; it changes the memory, but not the results
    /// - Returns: Maps of the image's size.
    /// - Throws: ``CellposeError`` if a pixel is NaN or infinite, the diameter is not positive, the scaled image has no pixels,
    ///   more than ``mostPixels`` pixels, or more than 65,536 along a side, or the network returns numbers that are not finite.
    /// - Complexity: time is that of ``CellposeNetwork/callAsFunction(_:)`` for each tile; memory is 32 bytes for each pixel of
    ///   the scaled image and 80 MB for each tile of a batch.
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
                .notFinite,
                "gave numbers that are not finite; look for extreme values in the image, or get the model's original file",
                path: path)
        }
        return CellposeMaps(flowY: maps[0], flowX: maps[1], cellLogit: maps[2], style: style)
    }

    private func invalid(_ message: String) -> CellposeError { CellposeError(.invalidInput, message, path: path) }
}

extension CellposeModel {
    /// Instance segmentation of an image: the network's maps, then ``CellposeMasks``.
    ///
    /// - Parameters:
    ///   - image: `[y][x]`; to segment a mask, give it as 0 and 1.
    ///   - diameter: the diameter of the objects, in pixels of the image.
    ///   - probability: the threshold of the cell probability, a logit; pixels above it are foreground.
    ///   - errorLimit: the largest flow error of an object; nil disables the check.
    /// - Returns: Labels of the image's size: 1 … n for objects, 0 for background.
    /// - Throws: ``CellposeError`` as ``maps(of:diameter:tilesAtOnce:)`` does; ``FlowError`` if a parameter is out of range.
    /// - Complexity: that of the maps, and 200 · diameter / ``meanDiameter`` steps for each foreground pixel.
    public func instances(
        in image: Image<Float>, diameter: Double, probability: Float = 0, errorLimit: Double? = 0.4
    ) throws -> Image<Int32> {
        let maps = try maps(of: image, diameter: diameter)
        // Flows are followed at the image's scale. The number of steps covers the same distance, relative to objects, as 200
        // steps at the network's scale.
        let masks = try CellposeMasks(
            probabilityThreshold: probability, iterations: max(1, Int(200 * diameter / meanDiameter)), errorLimit: errorLimit)
        return try masks(flowY: maps.flowY, flowX: maps.flowX, probability: maps.cellLogit)
    }
}

/// The output of CellPose's network for an image: at each pixel the flow towards the centre of its cell, and the cell
/// probability.
public struct CellposeMaps: Hashable, Sendable {
    /// The flow along y, downwards. The flow vector has a length of 5 where the network is certain.
    public let flowY: Image<Float>
    /// The flow along x, to the right, in the same scale.
    public let flowX: Image<Float>
    /// The logit of the probability that the pixel is in a cell: 0 is a probability of ½.
    public let cellLogit: Image<Float>
    /// The style vector of the image, of Euclidean length 1: the normalised mean of the styles of its tiles.
    public let style: [Float]
}

extension Image<Float> {
    /// The largest number of pixels from which percentiles are computed without subsampling: 224³.
    private static let percentilePixels = 11_239_424

    /// CellPose's normalisation: `(x − p₁) / (p₉₉ − p₁)`, which maps the 1st percentile to 0 and the 99th to 1.
    ///
    /// If the percentiles differ by no more than 10⁻³, as in a constant image, all pixels become 0. In an image of more than 224³
    /// pixels, percentiles are computed from every (side / 224)-th row and column.
    ///
    /// - Precondition: all pixels are finite.
    /// - Complexity: sorts the pixels.
    func normalizedByPercentiles() throws(ImageError) -> Image {
        guard let bounds = try thinnedOut().percentiles([1, 99]), bounds[1] - bounds[0] > 1e-3 else { return map { _ in 0 } }
        let range = bounds[1] - bounds[0]
        return map { ($0 - bounds[0]) / range }
    }

    /// The pixels from which percentiles are computed.
    private func thinnedOut() -> Image {
        guard values.count > Self.percentilePixels else { return self }
        let (rows, columns) = (max(1, height / 224), max(1, width / 224))
        let kept = stride(from: 0, to: height, by: rows).flatMap { y in
            stride(from: y * width, to: (y + 1) * width, by: columns).map { values[$0] }
        }
        return Image(height: 1, width: kept.count, values: kept) ?? self
    }
}
