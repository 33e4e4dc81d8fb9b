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

    /// What a pass carries along.
    private struct Pass {
        /// The embedding of each latent's timestep.
        let times: [Tensor]
        let context: Tensor
        let extent: UNetExtent
        let observer: (any UNetObserver)?
        /// Self-attention layers still to come.
        var layersLeft: Int
        /// Outputs on the way down, for the way up: of each latent.
        var skips: [[Tensor]] = []

        /// Shows a block's output; returns whether the pass goes on.
        func goesOn(after name: String, _ output: [Tensor]) -> Bool {
            observer?.block(name, Tensor.stacking(output))
            return extent != .block(name)
        }
    }

    /// Goes layer by layer, and through each layer latent by latent: what one of them needs fits the caches better than all at once.
    ///
    /// - Returns: the last block's output for each latent, or nil where the pass ended before.
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

    /// - Returns: nil where the pass ends here.
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

    /// Latents that go through a layer together: large ones alone, small ones in company, so that weights are read less often.
    private static func groups(_ images: [Tensor]) -> [Range<Int>] {
        let tokens = images.first.map { $0.shape[1] * $0.shape[2] } ?? 1
        let size = max(1, 4096 / tokens)
        return stride(from: 0, to: images.count, by: size).map { $0..<min($0 + size, images.count) }
    }
}
