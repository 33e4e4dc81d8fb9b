internal import Checkpoints
internal import Tensors

/// Two residual pairs of convolutions that lead up to a level, with the level's map from the way down and the style.
struct UpBlock: Sendable {
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
