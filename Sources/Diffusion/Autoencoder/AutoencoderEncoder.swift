import Checkpoints
import Tensors

/// The encoder of the autoencoder: an image becomes a latent of an eighth of its side.
///
/// Names of tensors are those of diffusers' `AutoencoderKL`, of which older files have other names in the attention.
final class AutoencoderEncoder: Sendable {
    let configuration: AutoencoderConfiguration
    private let layers: LayerStore

    init(_ configuration: AutoencoderConfiguration, _ weights: NetworkWeights, residency: Residency) {
        self.configuration = configuration
        layers = LayerStore(weights, residency: residency)
    }

    /// - Parameters:
    ///   - images: `[N, height, width, 3]` from −1 to 1; sides that ``AutoencoderConfiguration/sideFactor`` divides.
    ///   - observe: is shown what the parts give: `conv_in`, `down_blocks.0` and so on, `mid_block`, `moments`.
    func callAsFunction(
        _ images: Tensor, observe: (_ name: String, _ output: Tensor) -> Void = { _, _ in }
    ) throws(CheckpointError) -> LatentDistribution {
        let channels = configuration.channels
        let convIn = try layers.layer("encoder.conv_in") { (part) throws(CheckpointError) in
            try part.convolution(inputs: configuration.imageChannels, outputs: channels[0])
        }
        var hidden = convIn(images)
        observe("conv_in", hidden)
        for level in channels.indices {
            let block = "encoder.down_blocks.\(level)"
            for index in 0..<configuration.residualBlocks {
                hidden = try residual("\(block).resnets.\(index)", hidden, outputs: channels[level])
            }
            if level < channels.count - 1 {
                let downsampler = try layers.layer("\(block).downsamplers.0") { (part) throws(CheckpointError) in
                    Downsampler(
                        convolution: try part["conv"].convolution(
                            inputs: channels[level], outputs: channels[level], stride: 2,
                            padding: Padding2D(top: 0, left: 0, bottom: 1, right: 1)))
                }
                hidden = downsampler(hidden)
            }
            observe("down_blocks.\(level)", hidden)
        }
        let deepest = channels[channels.count - 1]
        hidden = try residual("encoder.mid_block.resnets.0", hidden, outputs: deepest)
        let attention = try layers.layer("encoder.mid_block.attentions.0") { (part) throws(CheckpointError) in
            try ImageAttention(part, channels: deepest, groups: configuration.normGroups)
        }
        hidden = try residual("encoder.mid_block.resnets.1", attention(hidden), outputs: deepest)
        observe("mid_block", hidden)
        let end = try layers.layer("encoder") { (part) throws(CheckpointError) in
            EncoderEnd(
                norm: try part["conv_norm_out"].groupNorm(channels: deepest, groups: configuration.normGroups, epsilon: 1e-6),
                convolution: try part["conv_out"].convolution(inputs: deepest, outputs: 2 * configuration.latentChannels))
        }
        let quantization = try layers.layer("quant_conv") { (part) throws(CheckpointError) in
            try part.linear(inputs: 2 * configuration.latentChannels, outputs: 2 * configuration.latentChannels)
        }
        let moments = quantization(end.convolution(end.norm(hidden, activation: .silu)))
        observe("moments", moments)
        return LatentDistribution(moments: moments, scalingFactor: configuration.scalingFactor)
    }

    private func residual(_ name: String, _ x: Tensor, outputs: Int) throws(CheckpointError) -> Tensor {
        let block = try layers.layer(name) { (part) throws(CheckpointError) in
            try ResNetBlock(
                part, inputs: x.shape[3], outputs: outputs, timeChannels: nil, groups: configuration.normGroups, epsilon: 1e-6)
        }
        return block(x)
    }

    private struct EncoderEnd: Sendable {
        let norm: GroupNorm
        let convolution: Convolution2D
    }
}

/// Self-attention of one head over all places of a grid, added to its input.
struct ImageAttention: Sendable {
    private let norm: GroupNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear

    init(_ weights: NetworkWeights, channels: Int, groups: Int) throws(CheckpointError) {
        norm = try weights["group_norm"].groupNorm(channels: channels, groups: groups, epsilon: 1e-6)
        // Files written before diffusers 0.15 have the names of the right.
        func layer(_ name: String, orOlder older: String) throws(CheckpointError) -> Linear {
            let isOld = !weights[name].has("weight") && weights[older].has("weight")
            return try weights[isOld ? older : name].linear(inputs: channels, outputs: channels)
        }
        query = try layer("to_q", orOlder: "query")
        key = try layer("to_k", orOlder: "key")
        value = try layer("to_v", orOlder: "value")
        output = try layer("to_out.0", orOlder: "proj_attn")
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let (images, channels) = (x.shape[0], x.shape[3])
        let tokens = norm(x).reshaped([images, x.shape[1] * x.shape[2], channels])
        let attended = Attention(heads: 1)(query: query(tokens), key: key(tokens), value: value(tokens))
        return output(attended.reshaped(x.shape), addingTo: x)
    }
}
