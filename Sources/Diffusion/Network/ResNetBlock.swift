import Checkpoints
import Tensors

/// A residual block: group norm → SiLU → 3×3 convolution, twice, added to the input. In the U-Net, the projected time embedding
/// is added to the channels after the first convolution.
struct ResNetBlock: Sendable {
    private let norm1: GroupNorm
    private let conv1: Convolution2D
    private let timeProjection: Linear?
    private let norm2: GroupNorm
    private let conv2: Convolution2D
    /// A 1×1 convolution of the input; nil if the number of channels does not change.
    private let shortcut: Linear?

    /// - Parameter timeChannels: the channels of the time embedding; nil in the autoencoder.
    init(
        _ weights: DiffusionWeights, inputs: Int, outputs: Int, timeChannels: Int?, groups: Int, epsilon: Float
    ) throws(CheckpointError) {
        norm1 = try weights["norm1"].groupNorm(channels: inputs, groups: groups, epsilon: epsilon)
        conv1 = try weights["conv1"].convolution(inputs: inputs, outputs: outputs)
        if let timeChannels {
            timeProjection = try weights["time_emb_proj"].linear(inputs: timeChannels, outputs: outputs)
        } else {
            timeProjection = nil
        }
        norm2 = try weights["norm2"].groupNorm(channels: outputs, groups: groups, epsilon: epsilon)
        conv2 = try weights["conv2"].convolution(inputs: outputs, outputs: outputs)
        shortcut = inputs == outputs ? nil : try weights["conv_shortcut"].linear(inputs: inputs, outputs: outputs)
    }

    /// - Parameters:
    ///   - x: `[N, height, width, inputs]`
    ///   - time: the time embedding after SiLU, `[N, timeChannels]`
    /// - Returns: `[N, height, width, outputs]`
    func callAsFunction(_ x: Tensor, time: Tensor? = nil) -> Tensor {
        var hidden = conv1(norm1(x, activation: .silu))
        if let time, let timeProjection { hidden = hidden.adding(channels: timeProjection(time)) }
        hidden = norm2(hidden, activation: .silu)
        return conv2(hidden, addingTo: shortcut.map { $0(x) } ?? x)
    }
}

/// Halves the height and width of a grid by a 3×3 convolution of stride 2.
struct Downsampler: Sendable {
    let convolution: Convolution2D

    func callAsFunction(_ x: Tensor) -> Tensor { convolution(x) }
}

/// Doubles the height and width of a grid: nearest-neighbour upsampling, then a 3×3 convolution.
struct Upsampler: Sendable {
    let convolution: Convolution2D

    func callAsFunction(_ x: Tensor) -> Tensor { convolution(x.upsampledNearest2x()) }
}
