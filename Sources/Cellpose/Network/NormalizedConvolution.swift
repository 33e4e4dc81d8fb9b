internal import Checkpoints
internal import Tensors

/// Batch normalisation → ReLU → convolution; in blocks that lead up, the style's channels are added before.
struct NormalizedConvolution: Sendable {
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
