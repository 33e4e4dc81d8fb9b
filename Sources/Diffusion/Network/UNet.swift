public import Checkpoints
import Foundation
public import Tensors

/// The conditional U-Net of Stable Diffusion 1 and 2. It predicts the noise in latents; here an observer mostly reads what its
/// layers compute on the way.
///
/// Rombach et al., *High-Resolution Image Synthesis with Latent Diffusion Models* (CVPR 2022). Blocks and tensors have the names
/// of diffusers' `UNet2DConditionModel`.
public final class DenoisingUNet: Sendable {
    /// The architecture.
    public let configuration: UNetConfiguration
    private let layers: LayerStore

    init(_ configuration: UNetConfiguration, _ weights: DiffusionWeights, residency: Residency) {
        self.configuration = configuration
        layers = LayerStore(weights, residency: residency)
    }

    /// Runs latents through the network.
    ///
    /// - Parameters:
    ///   - latents: `[N, height, width, latentChannels]`, with sides that are multiples of ``UNetConfiguration/sideFactor``.
    ///   - timesteps: one for each latent.
    ///   - context: the embedded text, `[1, tokens, contextChannels]`, the same for all latents.
    ///   - extent: where the pass ends.
    ///   - observer: gets queries, keys and block outputs while the pass runs.
    /// - Returns: the predicted noise, `[N, height, width, latentChannels]`; nil if the pass ended before it.
    /// - Throws: ``CheckpointError`` if weights are missing or cannot be read.
    /// - Complexity: 402 · 10⁹ multiplications for one 64×64 latent of Stable Diffusion 1.5.
    @discardableResult
    public func callAsFunction(
        _ latents: Tensor, timesteps: [Int], context: Tensor, extent: UNetExtent = .noise, observer: (any UNetObserver)? = nil
    ) throws(CheckpointError) -> Tensor? {
        precondition(latents.shape.count == 4 && latents.shape[0] == timesteps.count, "latents \(latents.shape) for \(timesteps)")
        let embedding = try layers.layer("time_embedding") { (part) throws(CheckpointError) in
            try TimeEmbedding(part, configuration)
        }
        var pass = Pass(
            times: embedding(timesteps).images,
            context: context, extent: extent, observer: observer, layersLeft: configuration.attentionLayers.count)
        guard let hidden = try run(latents.images, &pass) else { return nil }
        let first = configuration.channels[0]
        let norm = try layers.layer("conv_norm_out") { (part) throws(CheckpointError) in
            try part.groupNorm(channels: first, groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        }
        let convolution = try layers.layer("conv_out") { (part) throws(CheckpointError) in
            try part.convolution(inputs: first, outputs: configuration.latentChannels)
        }
        return Tensor.stacking(hidden.map { convolution(norm($0, activation: .silu)) })
    }

    /// The state of one pass.
    private struct Pass {
        /// The embedding of each latent's timestep.
        let times: [Tensor]
        let context: Tensor
        let extent: UNetExtent
        let observer: (any UNetObserver)?
        /// How many self-attention layers are not yet computed.
        var layersLeft: Int
        /// The outputs of the encoder that the decoder concatenates (skip connections), last one first used: `[layer][latent]`.
        var skips: [[Tensor]] = []

        /// Gives a block's output to the observer; returns whether the pass continues after this block.
        func goesOn(after name: String, _ output: [Tensor]) -> Bool {
            observer?.block(name, Tensor.stacking(output))
            return extent != .block(name)
        }
    }

    /// Runs all layers up to the last block. Each layer processes all latents, in the groups of ``groups(_:)``, before the next
    /// layer begins: the data of a few latents fits the caches better than that of all.
    ///
    /// - Returns: the last block's output for each latent; nil if the pass ended before it.
    private func run(_ latents: [Tensor], _ pass: inout Pass) throws(CheckpointError) -> [Tensor]? {
        let channels = configuration.channels
        let levels = channels.count
        let convIn = try layers.layer("conv_in") { (part) throws(CheckpointError) in
            try part.convolution(inputs: configuration.latentChannels, outputs: channels[0])
        }
        var hidden = latents.map { convIn($0) }
        pass.skips.append(hidden)
        for level in 0..<levels {
            let block = "down_blocks.\(level)"
            for index in 0..<configuration.residualBlocks {
                hidden = try residual("\(block).resnets.\(index)", hidden, outputs: channels[level], pass)
                if configuration.hasAttention[level] {
                    guard let next = try attend("\(block).attentions.\(index)", .encoder, level, hidden, &pass) else {
                        return nil
                    }
                    hidden = next
                }
                pass.skips.append(hidden)
            }
            if level < levels - 1 {
                let downsampler = try layers.layer("\(block).downsamplers.0") { (part) throws(CheckpointError) in
                    Downsampler(
                        convolution: try part["conv"].convolution(inputs: channels[level], outputs: channels[level], stride: 2))
                }
                hidden = hidden.map { downsampler($0) }
                pass.skips.append(hidden)
            }
            guard pass.goesOn(after: block, hidden) else { return nil }
        }

        hidden = try residual("mid_block.resnets.0", hidden, outputs: channels[levels - 1], pass)
        guard let middle = try attend("mid_block.attentions.0", .middle, levels - 1, hidden, &pass) else { return nil }
        hidden = try residual("mid_block.resnets.1", middle, outputs: channels[levels - 1], pass)
        guard pass.goesOn(after: "mid_block", hidden) else { return nil }

        for (position, level) in (0..<levels).reversed().enumerated() {
            let block = "up_blocks.\(position)"
            for index in 0...configuration.residualBlocks {
                if let skips = pass.skips.popLast() { hidden = zip(hidden, skips).map { Tensor.concatenating([$0, $1]) } }
                hidden = try residual("\(block).resnets.\(index)", hidden, outputs: channels[level], pass)
                if configuration.hasAttention[level] {
                    guard let next = try attend("\(block).attentions.\(index)", .decoder, level, hidden, &pass) else {
                        return nil
                    }
                    hidden = next
                }
            }
            if level > 0 {
                let upsampler = try layers.layer("\(block).upsamplers.0") { (part) throws(CheckpointError) in
                    Upsampler(convolution: try part["conv"].convolution(inputs: channels[level], outputs: channels[level]))
                }
                hidden = hidden.map { upsampler($0) }
            }
            guard pass.goesOn(after: block, hidden) else { return nil }
        }
        return hidden
    }

    private func residual(_ name: String, _ images: [Tensor], outputs: Int, _ pass: Pass) throws(CheckpointError) -> [Tensor] {
        let block = try layers.layer(name) { (part) throws(CheckpointError) in
            try ResNetBlock(
                part, inputs: images.first?.shape[3] ?? 0, outputs: outputs, timeChannels: configuration.timeChannels,
                groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        }
        return Self.groups(images).flatMap { group in
            block(Tensor.stacking(Array(images[group])), time: Tensor.stacking(Array(pass.times[group]))).images
        }
    }

    /// Runs one spatial transformer; its self-attention's queries and keys go to the observer.
    ///
    /// - Returns: its output for each latent; nil if the pass ends here.
    private func attend(
        _ name: String, _ group: AttentionLayer.Group, _ level: Int, _ images: [Tensor], _ pass: inout Pass
    ) throws(CheckpointError) -> [Tensor]? {
        let layer = AttentionLayer(
            name: name, group: group, level: level, channels: configuration.channels[level], heads: configuration.heads[level])
        let transformer = try layers.layer(name) { (part) throws(CheckpointError) in
            try SpatialTransformer(
                part, channels: layer.channels, heads: layer.heads, contextChannels: configuration.contextChannels,
                groups: configuration.normGroups)
        }
        pass.layersLeft -= 1
        let (observer, context) = (pass.observer, pass.context)
        let endsHere = pass.extent == .lastAttention && pass.layersLeft == 0
        let outputs = Self.groups(images).compactMap { group in
            transformer(Tensor.stacking(Array(images[group])), context: context, endsThere: endsHere) {
                observer?.attention(layer, query: $0, key: $1)
            }
        }
        return endsHere ? nil : outputs.flatMap(\.images)
    }

    /// Which latents pass through a layer together, as ranges of indices: as many as have 4,096 tokens together, at least one.
    /// Large latents go alone, which suits the caches; small ones go in groups, so that the weights are read less often.
    private static func groups(_ images: [Tensor]) -> [Range<Int>] {
        let tokens = images.first.map { $0.shape[1] * $0.shape[2] } ?? 1
        let size = max(1, 4096 / tokens)
        return stride(from: 0, to: images.count, by: size).map { $0..<min($0 + size, images.count) }
    }
}

/// Receives intermediate results of a pass through a U-Net. Both methods do nothing by default.
public protocol UNetObserver: AnyObject {
    /// Receives the queries and keys of a self-attention layer, `[n, tokens, channels]`, with the channels of its heads one after
    /// another. In a pass with several latents, it is called once or more for each layer, with n latents of the N each time.
    ///
    /// - Returns: the sum to which the layer adds its affinity matrices P; nil if they are not needed.
    func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator?

    /// Receives the output of a block, after its down- or upsampler: `[N, height, width, channels]`. Names are those of
    /// diffusers, for example `down_blocks.0`, `mid_block`, `up_blocks.3`.
    func block(_ name: String, _ output: Tensor)
}

extension UNetObserver {
    public func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator? { nil }
    public func block(_ name: String, _ output: Tensor) {}
}

/// Where a pass through a U-Net ends.
public enum UNetExtent: Sendable, Hashable {
    /// After the queries and keys of the last self-attention (and its affinity): later layers do not change affinities.
    case lastAttention
    /// After the block of this name, for example `up_blocks.1`.
    case block(String)
    /// At the end, with the predicted noise.
    case noise
}

/// The embedding of timesteps: sines and cosines of decreasing frequency, then two linear layers.
private struct TimeEmbedding: Sendable {
    private let linear1: Linear
    private let linear2: Linear
    private let configuration: UNetConfiguration

    init(_ weights: DiffusionWeights, _ configuration: UNetConfiguration) throws(CheckpointError) {
        self.configuration = configuration
        linear1 = try weights["linear_1"].linear(inputs: configuration.channels[0], outputs: configuration.timeChannels)
        linear2 = try weights["linear_2"].linear(inputs: configuration.timeChannels, outputs: configuration.timeChannels)
    }

    /// - Returns: `[timesteps, timeChannels]`, with the SiLU already applied that every block applies first.
    func callAsFunction(_ timesteps: [Int]) -> Tensor {
        linear2(linear1(waves(timesteps)).applying(.silu)).applying(.silu)
    }

    /// The sines and cosines, `[timesteps, channels]`, computed in float32 as in training:
    /// frequency i = 10000^(−i / (half − `frequencyShift`)).
    private func waves(_ timesteps: [Int]) -> Tensor {
        let half = configuration.channels[0] / 2
        let frequencies = (0..<half).map { index in
            expf(-logf(10_000) * Float(index) / (Float(half) - configuration.frequencyShift))
        }
        let values = timesteps.flatMap { timestep in
            let angles = frequencies.map { Float(timestep) * $0 }
            let (cosines, sines) = (angles.map { cosf($0) }, angles.map { sinf($0) })
            return configuration.putsCosineFirst ? cosines + sines : sines + cosines
        }
        return Tensor(shape: [timesteps.count, 2 * half], values: values)
    }
}

extension Tensor {
    /// The images of a batch `[N, …]`, each as a tensor `[1, …]`.
    fileprivate var images: [Tensor] {
        guard shape[0] != 1 else { return [self] }
        let count = self.count / shape[0]
        return (0..<shape[0]).map { index in
            Tensor(shape: [1] + shape.dropFirst()) { target in
                withUnsafeBufferPointer { source in
                    _ = target.initialize(from: source[index * count..<(index + 1) * count])
                }
            }
        }
    }

    /// One batch `[N, …]` of images `[1, …]` of the same shape.
    fileprivate static func stacking(_ images: [Tensor]) -> Tensor {
        guard images.count != 1, let first = images.first else { return images.first ?? Tensor(shape: [0]) }
        return Tensor(shape: [images.count] + first.shape.dropFirst()) { target in
            var rest = target
            for image in images {
                image.withUnsafeBufferPointer { source in
                    _ = rest.initialize(from: source)
                    rest = UnsafeMutableBufferPointer(rebasing: rest[source.count...])
                }
            }
        }
    }
}
