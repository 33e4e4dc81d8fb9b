public import Checkpoints
public import Tensors

/// The conditional U-Net of Stable Diffusion 1 and 2: predicts the noise in latents; here it is mostly watched on the way.
///
/// Rombach et al., *High-Resolution Image Synthesis with Latent Diffusion Models* (CVPR 2022); names of blocks and tensors
/// are those of diffusers' `UNet2DConditionModel`.
public final class UNet: Sendable {
    public let configuration: UNetConfiguration
    private let layers: LayerStore

    init(_ configuration: UNetConfiguration, _ weights: NetworkWeights, residency: Residency) {
        self.configuration = configuration
        layers = LayerStore(weights, residency: residency)
    }

    /// Runs latents through the network.
    ///
    /// - Parameters:
    ///   - latents: `[N, height, width, latentChannels]`; sides that ``UNetConfiguration/sideFactor`` divides.
    ///   - timesteps: one for each latent.
    ///   - context: of a text, `[1, tokens, contextChannels]`, the same for all latents.
    ///   - extent: how far to go.
    ///   - observer: watches.
    /// - Returns: the noise, `[N, height, width, latentChannels]`, where the pass went that far.
    /// - Throws: ``CheckpointError`` where weights are missing or cannot be read.
    /// - Complexity: 402 thousand million multiplications for one 64×64 latent of Stable Diffusion 1.5.
    @discardableResult
    public func callAsFunction(
        _ latents: Tensor, timesteps: [Int], context: Tensor, extent: UNetExtent = .noise, observer: (any UNetObserver)? = nil
    ) throws(CheckpointError) -> Tensor? {
        precondition(latents.shape.count == 4 && latents.shape[0] == timesteps.count, "latents \(latents.shape) for \(timesteps)")
        var pass = Pass(
            time: try layers.layer("time_embedding") { (part) throws(CheckpointError) in try TimeEmbedding(part, configuration) }(
                timesteps),
            context: context, extent: extent, observer: observer, layersLeft: configuration.attentionLayers.count)
        guard let hidden = try run(latents, &pass) else { return nil }
        let first = configuration.channels[0]
        let norm = try layers.layer("conv_norm_out") { (part) throws(CheckpointError) in
            try part.groupNorm(channels: first, groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        }
        let convolution = try layers.layer("conv_out") { (part) throws(CheckpointError) in
            try part.convolution(inputs: first, outputs: configuration.latentChannels)
        }
        return convolution(norm(hidden, activation: .silu))
    }

    /// What a pass carries along.
    private struct Pass {
        let time: Tensor
        let context: Tensor
        let extent: UNetExtent
        let observer: (any UNetObserver)?
        /// Self-attention layers still to come.
        var layersLeft: Int
        /// Outputs on the way down, for the way up.
        var skips: [Tensor] = []

        /// Shows a block's output; returns whether the pass goes on.
        func goesOn(after name: String, _ output: Tensor) -> Bool {
            observer?.block(name, output)
            return extent != .block(name)
        }
    }

    /// - Returns: the last block's output, or nil where the pass ended before.
    private func run(_ latents: Tensor, _ pass: inout Pass) throws(CheckpointError) -> Tensor? {
        let channels = configuration.channels
        let levels = channels.count
        let convIn = try layers.layer("conv_in") { (part) throws(CheckpointError) in
            try part.convolution(inputs: configuration.latentChannels, outputs: channels[0])
        }
        var hidden = convIn(latents)
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
                hidden = downsampler(hidden)
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
                if let skip = pass.skips.popLast() { hidden = Tensor.concatenating([hidden, skip]) }
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
                hidden = upsampler(hidden)
            }
            guard pass.goesOn(after: block, hidden) else { return nil }
        }
        return hidden
    }

    private func residual(_ name: String, _ x: Tensor, outputs: Int, _ pass: Pass) throws(CheckpointError) -> Tensor {
        let block = try layers.layer(name) { (part) throws(CheckpointError) in
            try ResNetBlock(
                part, inputs: x.shape[3], outputs: outputs, timeChannels: configuration.timeChannels,
                groups: configuration.normGroups, epsilon: configuration.normEpsilon)
        }
        return block(x, time: pass.time)
    }

    private func attend(
        _ name: String, _ group: AttentionLayer.Group, _ level: Int, _ x: Tensor, _ pass: inout Pass
    ) throws(CheckpointError) -> Tensor? {
        let layer = AttentionLayer(
            name: name, group: group, level: level, channels: configuration.channels[level], heads: configuration.heads[level])
        let transformer = try layers.layer(name) { (part) throws(CheckpointError) in
            try SpatialTransformer(
                part, channels: layer.channels, heads: layer.heads, contextChannels: configuration.contextChannels,
                groups: configuration.normGroups)
        }
        pass.layersLeft -= 1
        let observer = pass.observer
        return transformer(x, context: pass.context, endsThere: pass.extent == .lastAttention && pass.layersLeft == 0) {
            observer?.attention(layer, query: $0, key: $1)
        }
    }
}
