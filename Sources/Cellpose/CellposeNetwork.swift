public import Checkpoints
public import Tensors

/// CPnet, the residual U-Net of CellPose 1 to 3 (Stringer et al., Nature Methods 2021): maps an image to flows towards the
/// centres of cells, and to the logit of the cell probability.
///
/// Each decoder block gets the *style* as input: the mean of the deepest map over the image, divided by its Euclidean length.
public struct CellposeNetwork: Sendable {
    /// The result for a batch of images.
    public struct Output: Sendable {
        /// Flow along y, flow along x, both scaled by 5, and the logit of the cell probability: `[N, H, W, 3]`.
        public let maps: Tensor
        /// The style vector of each image, of Euclidean length 1: `[N, S]`, where S is the last of ``CellposeNetwork/widths``.
        public let style: Tensor
    }

    /// Channels of the image, then of each level: 2, 32, 64, 128, 256 in the models that CellPose publishes.
    public let widths: [Int]
    /// The diameter in pixels to which objects were scaled in training; nil if the checkpoint does not say.
    public let meanDiameter: Double?
    /// The mean diameter in pixels of the objects in the original training images; nil if the checkpoint does not say.
    public let labelDiameter: Double?

    private let down: [DownBlock]
    private let up: [UpBlock]
    private let output: PreActivatedConvolution

    /// Creates the network with a copy of the weights.
    ///
    /// - Parameter checkpoint: a file as CellPose saves it, or converted to safetensors; all names may begin with `module.`.
    /// - Throws: ``CellposeError`` if it holds another network, lacks tensors, or has tensors of other shapes or unknown names.
    public init(_ checkpoint: Checkpoint) throws(CellposeError) {
        let weights = try CellposeWeights(checkpoint)
        widths = weights.layout.widths
        meanDiameter = try weights.diameter(NetworkLayout.meanDiameter)
        labelDiameter = try weights.diameter(NetworkLayout.labelDiameter)
        do throws(CheckpointError) {
            down = try (0..<weights.layout.levels).map { level throws(CheckpointError) in try DownBlock(weights, level: level) }
            up = try (0..<weights.layout.levels).map { level throws(CheckpointError) in try UpBlock(weights, level: level) }
            output = try PreActivatedConvolution(weights, "output")
        } catch {
            throw CellposeError(error)
        }
    }

    /// Height and width of an image must be multiples of this number, since each level halves them: 8 in the published models.
    public var sideMultiple: Int { 1 << (down.count - 1) }

    /// The forward pass.
    ///
    /// - Parameter images: `[N, H, W, C]`, where C is the first of ``widths``.
    /// - Precondition: height and width are positive multiples of ``sideMultiple``.
    /// - Complexity: 15.5 billion multiplications for each image of 224² pixels in the published models, of which Winograd's
    ///   transform leaves a quarter; some 60 MB of memory.
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

/// A block of the encoder: two residual pairs of convolutions at one level of resolution. The shortcut of the first pair is a
/// projection (1 × 1 convolution), that of the second pair is the identity.
private struct DownBlock: Sendable {
    private let projection: Linear
    private let convolutions: [PreActivatedConvolution]

    init(_ weights: CellposeWeights, level: Int) throws(CheckpointError) {
        let name = NetworkLayout.down(level)
        projection = try weights.projection(name)
        convolutions = try (0..<4).map { index throws(CheckpointError) in
            try PreActivatedConvolution(weights, "\(name).conv.conv_\(index)")
        }
    }

    /// `[N, H, W, inputs]` → `[N, H, W, outputs]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let half = convolutions[1](convolutions[0](x), addingTo: projection(x))
        return convolutions[3](convolutions[2](half), addingTo: half)
    }
}

/// A block of the decoder: two residual pairs of convolutions, to which the encoder's map of the same level (skip connection) and
/// the style are added.
private struct UpBlock: Sendable {
    private let projection: Linear
    private let convolutions: [PreActivatedConvolution]

    init(_ weights: CellposeWeights, level: Int) throws(CheckpointError) {
        let name = NetworkLayout.up(level)
        projection = try weights.projection(name)
        convolutions = try (0..<4).map { index throws(CheckpointError) in
            try PreActivatedConvolution(weights, "\(name).conv.conv_\(index)", isStyled: index > 0)
        }
    }

    /// - Parameters:
    ///   - x: `[N, H, W, inputs]`
    ///   - skip: the encoder's map of this level, `[N, H, W, outputs]`
    ///   - style: `[N, styleWidth]`
    /// - Returns: `[N, H, W, outputs]`
    func callAsFunction(_ x: Tensor, skip: Tensor, style: Tensor) -> Tensor {
        let half = convolutions[1](convolutions[0](x, addingTo: skip), style: style, addingTo: projection(x))
        return convolutions[3](convolutions[2](half, style: style), style: style, addingTo: half)
    }
}

/// Batch normalisation → ReLU → convolution: `[N, H, W, inputs]` → `[N, H, W, outputs]`. In decoder blocks a linear function of
/// the style is added to the channels before.
private struct PreActivatedConvolution: Sendable {
    private let norm: BatchNorm
    private let convolution: Convolution2D
    private let styling: Linear?

    /// - Parameter isStyled: whether the style is added; in the checkpoint the layer then has the parts `conv` and `full`.
    init(_ weights: CellposeWeights, _ name: String, isStyled: Bool = false) throws(CheckpointError) {
        let layers = isStyled ? "\(name).conv" : name
        norm = try weights.norm("\(layers).0")
        convolution = try weights.convolution("\(layers).2")
        styling = isStyled ? try weights.linear("\(name).full") : nil
    }

    /// - Parameters:
    ///   - x: `[N, H, W, inputs]`
    ///   - style: `[N, styleWidth]`; ignored unless the layer is styled
    ///   - residual: a tensor that is added to the result, `[N, H, W, outputs]`
    func callAsFunction(_ x: Tensor, style: Tensor? = nil, addingTo residual: Tensor? = nil) -> Tensor {
        var offset: Tensor?
        if let style, let styling { offset = styling(style) }
        return convolution(normalizing: x, by: norm, offset: offset, addingTo: residual)
    }
}
