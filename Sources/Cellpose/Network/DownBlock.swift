internal import Checkpoints
internal import Tensors

/// Two residual pairs of convolutions at one level of resolution; the first one's shortcut is a projection.
struct DownBlock: Sendable {
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
