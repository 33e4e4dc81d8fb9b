public import Checkpoints
public import Tensors

/// CPnet, the residual U-Net of CellPose 1 to 3 (Stringer et al., Nature Methods 2021): from an image to flows towards the centres of
/// cells, and the logit of being in one.
///
/// On the way up, every block is told the *style*, the mean of the deepest map over the image.
public struct CellposeNetwork: Sendable {
    /// What an image becomes.
    public struct Output: Sendable {
        /// Flow along y, flow along x, both five times too long, and the logit of being in a cell: `[N, H, W, 3]`.
        public let maps: Tensor
        /// `[N, S]`, each of length 1.
        public let style: Tensor
    }

    /// Channels of the image, then of each level: 2, 32, 64, 128, 256 in the models that CellPose publishes.
    public let widths: [Int]
    /// The diameter of objects as the network was shown them, in pixels; nil where the checkpoint does not say.
    public let meanDiameter: Double?
    /// The mean diameter of the objects in the images that it was trained with; nil where the checkpoint does not say.
    public let labelDiameter: Double?

    private let down: [DownBlock]
    private let up: [UpBlock]
    private let output: NormalizedConvolution

    /// Copies the weights.
    ///
    /// - Parameter checkpoint: as CellPose saves it, or converted to safetensors; names may all begin with `module.`.
    /// - Throws: ``CellposeError`` where it is of another network, or lacks tensors, or has some of other shapes or too many.
    public init(_ checkpoint: Checkpoint) throws(CellposeError) {
        let weights = try NetworkWeights(checkpoint)
        widths = weights.layout.widths
        meanDiameter = try weights.diameter(NetworkLayout.meanDiameter)
        labelDiameter = try weights.diameter(NetworkLayout.labelDiameter)
        do throws(CheckpointError) {
            down = try (0..<weights.layout.levels).map { level throws(CheckpointError) in try DownBlock(weights, level: level) }
            up = try (0..<weights.layout.levels).map { level throws(CheckpointError) in try UpBlock(weights, level: level) }
            output = try NormalizedConvolution(weights, "output")
        } catch {
            throw CellposeError(error)
        }
    }

    /// Height and width of an image are multiples of this, so that each level halves them: 8.
    public var sideMultiple: Int { 1 << (down.count - 1) }

    /// - Parameter images: `[N, H, W, C]`, where C is the first of ``widths``.
    /// - Precondition: height and width are positive multiples of ``sideMultiple``.
    /// - Complexity: 15.5 billion multiplications for each image of 224² in the published models, a quarter of them carried out;
    ///   some 60 MB of memory.
    public func callAsFunction(_ images: Tensor) -> Output {
        precondition(
            images.shape.count == 4 && images.shape[3] == widths[0]
                && images.shape[1...2].allSatisfy { $0 > 0 && $0 % sideMultiple == 0 },
            "\(images.shape) are no images of \(widths[0]) channels with sides that are multiples of \(sideMultiple)")
        var maps: [Tensor] = []
        for block in down { maps.append(block(maps.last?.maxPooled2x() ?? images)) }
        let deepest = maps[maps.count - 1]
        let style = deepest.channelMeans().dividedByLength()
        var x = deepest
        for level in up.indices.reversed() {
            if level < up.count - 1 { x = x.upsampledNearest2x() }
            x = up[level](x, skip: maps[level], style: style)
            maps.removeLast()
        }
        return Output(maps: output(x), style: style)
    }
}

extension Tensor {
    /// Each row divided by its Euclidean length; NaN where that is 0.
    fileprivate func dividedByLength() -> Tensor {
        let width = shape[1]
        let values = values
        return Tensor(shape: shape) { result in
            for row in 0..<shape[0] {
                let part = values[row * width..<(row + 1) * width]
                let length = Float(part.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
                for index in part.indices { result[index] = part[index] / length }
            }
        }
    }
}

/// Two residual pairs of convolutions at one level of resolution; the first one's shortcut is a projection.
private struct DownBlock: Sendable {
    private let projection: Linear
    private let convolutions: [NormalizedConvolution]

    init(_ weights: NetworkWeights, level: Int) throws(CheckpointError) {
        let name = NetworkLayout.down(level)
        projection = try weights.projection(name)
        convolutions = try (0..<4).map { index throws(CheckpointError) in
            try NormalizedConvolution(weights, "\(name).conv.conv_\(index)")
        }
    }

    /// `[N, H, W, inputs]` → `[N, H, W, outputs]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let half = convolutions[1](convolutions[0](x), addingTo: projection(x))
        return convolutions[3](convolutions[2](half), addingTo: half)
    }
}

/// Two residual pairs of convolutions that lead up to a level, with the level's map from the way down and the style.
private struct UpBlock: Sendable {
    private let projection: Linear
    private let convolutions: [NormalizedConvolution]

    init(_ weights: NetworkWeights, level: Int) throws(CheckpointError) {
        let name = NetworkLayout.up(level)
        projection = try weights.projection(name)
        convolutions = try (0..<4).map { index throws(CheckpointError) in
            try NormalizedConvolution(weights, "\(name).conv.conv_\(index)", isStyled: index > 0)
        }
    }

    /// - Parameters:
    ///   - x: `[N, H, W, inputs]`
    ///   - skip: what the way down gave at this level, `[N, H, W, outputs]`
    ///   - style: `[N, styleWidth]`
    /// - Returns: `[N, H, W, outputs]`
    func callAsFunction(_ x: Tensor, skip: Tensor, style: Tensor) -> Tensor {
        let half = convolutions[1](convolutions[0](x, addingTo: skip), style: style, addingTo: projection(x))
        return convolutions[3](convolutions[2](half, style: style), style: style, addingTo: half)
    }
}

/// Batch normalisation → ReLU → convolution; in blocks that lead up, the style's channels are added before.
private struct NormalizedConvolution: Sendable {
    private let norm: BatchNorm
    private let convolution: Convolution2D
    private let styling: Linear?

    /// - Parameter isStyled: whether its part of the checkpoint has a linear layer for the style.
    init(_ weights: NetworkWeights, _ name: String, isStyled: Bool = false) throws(CheckpointError) {
        let layers = isStyled ? "\(name).conv" : name
        norm = try weights.norm("\(layers).0")
        convolution = try weights.convolution("\(layers).2")
        styling = isStyled ? try weights.linear("\(name).full") : nil
    }

    /// - Parameters:
    ///   - x: `[N, H, W, inputs]`
    ///   - style: `[N, styleWidth]`, where the layer is styled
    ///   - residual: what is added to the result, `[N, H, W, outputs]`
    func callAsFunction(_ x: Tensor, style: Tensor? = nil, addingTo residual: Tensor? = nil) -> Tensor {
        var offset: Tensor?
        if let style, let styling { offset = styling(style) }
        return convolution(normalizing: x, by: norm, offset: offset, addingTo: residual)
    }
}
