import Checkpoints
import Foundation
public import Tensors

/// The encoder of the autoencoder (VAE): turns an image into a latent whose sides are `sideFactor` times smaller (8 times in
/// Stable Diffusion).
///
/// Tensors have the names of diffusers' `AutoencoderKL`. Older files have other names in the attention, which are read too.
final class AutoencoderEncoder: Sendable {
    let configuration: AutoencoderConfiguration
    private let layers: LayerStore

    init(_ configuration: AutoencoderConfiguration, _ weights: DiffusionWeights, residency: Residency) {
        self.configuration = configuration
        layers = LayerStore(weights, residency: residency)
    }

    /// Encodes images.
    ///
    /// - Parameters:
    ///   - images: `[N, height, width, 3]` from −1 to 1, with sides that are multiples of
    ///     ``AutoencoderConfiguration/sideFactor``.
    ///   - observe: gets the outputs of the parts: `conv_in`, `down_blocks.0` and so on, `mid_block`, `moments`.
    /// - Throws: ``CheckpointError`` if weights are missing or cannot be read.
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

/// Self-attention with one head over all pixels of a grid; the result is added to the input. `[N, height, width, C]` → the same.
private struct ImageAttention: Sendable {
    private let norm: GroupNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let output: Linear
    private let attention: Attention

    init(_ weights: DiffusionWeights, channels: Int, groups: Int) throws(CheckpointError) {
        norm = try weights["group_norm"].groupNorm(channels: channels, groups: groups, epsilon: 1e-6)
        // Files written before diffusers 0.15 have the names in the right column below.
        func layer(_ name: String, orOlder older: String) throws(CheckpointError) -> Linear {
            let isOld = !weights[name].has("weight") && weights[older].has("weight")
            return try weights[isOld ? older : name].linear(inputs: channels, outputs: channels)
        }
        query = try layer("to_q", orOlder: "query")
        key = try layer("to_k", orOlder: "key")
        value = try layer("to_v", orOlder: "value")
        output = try layer("to_out.0", orOlder: "proj_attn")
        attention = Attention(heads: 1, arithmetic: weights.arithmetic)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
        let (images, channels) = (x.shape[0], x.shape[3])
        let tokens = norm(x).reshaped([images, x.shape[1] * x.shape[2], channels])
        let attended = attention(query: query(tokens), key: key(tokens), value: value(tokens))
        return output(attended.reshaped(x.shape), addingTo: x)
    }
}

/// The architecture of an autoencoder, from `vae/config.json` (diffusers, `AutoencoderKL`).
public struct AutoencoderConfiguration: Sendable, Hashable {
    /// The channels of an image: always 3.
    public let imageChannels: Int
    /// The channels of a latent.
    public let latentChannels: Int
    /// The channels at each level (resolution), finest level first.
    public let channels: [Int]
    /// Residual blocks in each level of the encoder.
    public let residualBlocks: Int
    /// The number of groups of each group norm.
    public let normGroups: Int
    /// The factor by which latents are multiplied before they enter the U-Net.
    public let scalingFactor: Float

    /// How many pixels of an image, along a side, become one of the latent: 8 in Stable Diffusion.
    public var sideFactor: Int { 1 << (channels.count - 1) }
}

extension AutoencoderConfiguration {
    /// The keys of the file. A missing optional key has the value of Stable Diffusion.
    private struct Keys: Decodable {
        var inChannels: Int?
        var latentChannels: Int?
        var blockOutChannels: [Int]
        var layersPerBlock: Int?
        var normGroups: Int?
        var scalingFactor: Float?
        var shiftFactor: Float?
        var activation: String?
        var downBlockTypes: [String]
        var usesQuantConvolution: Bool?
        var midBlockAddsAttention: Bool?

        enum CodingKeys: String, CodingKey {
            case inChannels = "in_channels"
            case latentChannels = "latent_channels"
            case blockOutChannels = "block_out_channels"
            case layersPerBlock = "layers_per_block"
            case normGroups = "norm_num_groups"
            case scalingFactor = "scaling_factor"
            case shiftFactor = "shift_factor"
            case activation = "act_fn"
            case downBlockTypes = "down_block_types"
            case usesQuantConvolution = "use_quant_conv"
            case midBlockAddsAttention = "mid_block_add_attention"
        }
    }

    /// Reads and checks `config.json`.
    ///
    /// - Throws: ``DiffusionError`` if it cannot be read, or describes another kind of network.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let levels = keys.blockOutChannels.count
        let groups = keys.normGroups ?? 32
        try file.require(
            (2...6).contains(levels) && keys.blockOutChannels.allSatisfy { (1...8192).contains($0) },
            "block_out_channels are not two to six numbers up to 8192")
        try file.require(
            (1...128).contains(groups) && keys.blockOutChannels.allSatisfy { $0 % groups == 0 },
            "norm_num_groups does not divide each of block_out_channels")
        // The default of `AutoencoderKL` is 1; that of `UNet2DConditionModel` is 2.
        let residualBlocks = keys.layersPerBlock ?? 1
        try file.require((1...8).contains(residualBlocks), "layers_per_block is not 1 to 8")
        try file.require((keys.inChannels ?? 3) == 3, "in_channels is not 3")
        try file.require((1...64).contains(keys.latentChannels ?? 4), "latent_channels is not 1 to 64")
        try file.require(
            keys.downBlockTypes.count == levels && keys.downBlockTypes.allSatisfy { $0 == "DownEncoderBlock2D" },
            "down_block_types are not DownEncoderBlock2D, one for each of block_out_channels")
        try file.require((keys.activation ?? "silu") == "silu", "act_fn is not silu")
        try file.require((keys.shiftFactor ?? 0) == 0, "shift_factor is set, as in Stable Diffusion 3")
        try file.require(keys.usesQuantConvolution ?? true, "use_quant_conv is off")
        try file.require(keys.midBlockAddsAttention ?? true, "mid_block_add_attention is off")
        imageChannels = 3
        latentChannels = keys.latentChannels ?? 4
        channels = keys.blockOutChannels
        self.residualBlocks = residualBlocks
        normGroups = groups
        scalingFactor = keys.scalingFactor ?? 0.18215
        try file.require(scalingFactor.isFinite && scalingFactor > 0, "scaling_factor is not above 0")
    }
}

/// The latent of an image as an autoencoder computes it: an independent normal distribution for each of its numbers.
public struct LatentDistribution: Sendable {
    /// The means, `[N, height, width, latentChannels]`, not scaled.
    public let mean: Tensor
    /// The natural logarithms of the variances, not scaled, clamped to −30…20. The same shape as the means.
    public let logVariance: Tensor
    /// The factor by which ``mode`` and ``sample(seed:)`` multiply latents for the U-Net.
    public let scalingFactor: Float

    /// - Parameter moments: `[N, height, width, 2 · latentChannels]`: the means, then the log-variances.
    init(moments: Tensor, scalingFactor: Float) {
        let channels = moments.shape[3] / 2
        let shape = Array(moments.shape.dropLast()) + [channels]
        func half(_ first: Int, _ transform: (Float) -> Float) -> Tensor {
            moments.withUnsafeBufferPointer { source in
                Tensor(shape: shape) { target in
                    for index in target.indices {
                        target[index] = transform(source[index / channels * 2 * channels + first + index % channels])
                    }
                }
            }
        }
        mean = half(0) { $0 }
        logVariance = half(channels) { min(max($0, -30), 20) }
        self.scalingFactor = scalingFactor
    }

    /// The most likely latent, which is the mean, scaled for the U-Net: `[N, height, width, latentChannels]`.
    public var mode: Tensor { scaled { mean, _, _ in mean } }

    /// A latent drawn from the distribution, scaled for the U-Net: `[N, height, width, latentChannels]`. The same seed gives the
    /// same latent. Its random numbers are independent of the noise that a ``NoiseSchedule`` adds with the same seed.
    public func sample(seed: UInt64) -> Tensor {
        let noise = GaussianNoise(seed: seed, for: .latent).tensor(shape: mean.shape)
        return noise.withUnsafeBufferPointer { noise in
            scaled { mean, logVariance, index in mean + expf(0.5 * logVariance) * noise[index] }
        }
    }

    private func scaled(_ value: (_ mean: Float, _ logVariance: Float, _ index: Int) -> Float) -> Tensor {
        mean.withUnsafeBufferPointer { mean in
            logVariance.withUnsafeBufferPointer { logVariance in
                Tensor(shape: self.mean.shape) { target in
                    for index in target.indices { target[index] = value(mean[index], logVariance[index], index) * scalingFactor }
                }
            }
        }
    }
}
