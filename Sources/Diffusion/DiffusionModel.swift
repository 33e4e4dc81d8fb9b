public import Basics
import Checkpoints
import Foundation
import Synchronization
public import Tensors

/// A Stable Diffusion model of the first or second generation, in the folder layout of diffusers.
///
/// ```swift
/// let model = try DiffusionModel(folder: "sd15")
/// let latent = try model.encode(image).mode
/// let features = try model.attention(latent, timesteps: [50, 150, 250], context: model.context(for: ""))
/// ```
///
/// Opening reads headers only; weights are mapped, and loaded layer by layer at their first use. A model may be used from
/// several threads; passes take turns, as each uses all processors.
public final class DiffusionModel: Sendable {
    public let folder: String
    public let schedule: NoiseSchedule
    public let unet: UNet
    let autoencoder: AutoencoderEncoder
    private let unetCheckpoint: Checkpoint
    private let autoencoderCheckpoint: Checkpoint
    private let usedNames = (unet: UsedNames(), autoencoder: UsedNames())
    private let residency: Residency
    private let contexts = Mutex<[String: Tensor]>([:])
    private let turn = Mutex(())

    /// Opens a model.
    ///
    /// - Parameters:
    ///   - folder: holds `unet`, `vae`, `scheduler`, and for other contexts than a stored one `text_encoder` and `tokenizer`.
    ///   - residency: whether weights stay in memory: 3.6 GB for Stable Diffusion 1.5, or the largest layer's.
    /// - Throws: ``DiffusionError`` where a configuration is missing or describes another kind of network, or a file of weights
    ///   is missing or damaged.
    public init(folder: String, residency: Residency = .resident) throws(DiffusionError) {
        self.folder = folder
        self.residency = residency
        let unetConfiguration = try UNetConfiguration(file: ConfigurationFile("\(folder)/unet/config.json"))
        let encoderConfiguration = try AutoencoderConfiguration(file: ConfigurationFile("\(folder)/vae/config.json"))
        schedule = try NoiseSchedule(file: ConfigurationFile("\(folder)/scheduler/scheduler_config.json"))
        guard unetConfiguration.latentChannels == encoderConfiguration.latentChannels else {
            throw DiffusionError(
                .malformed,
                "has a U-Net for latents of \(unetConfiguration.latentChannels) channels and an autoencoder that gives "
                    + "\(encoderConfiguration.latentChannels): the parts are of different models", path: folder)
        }
        do throws(CheckpointError) {
            unetCheckpoint = try Checkpoint(folder: "\(folder)/unet", stem: "diffusion_pytorch_model")
            autoencoderCheckpoint = try Checkpoint(folder: "\(folder)/vae", stem: "diffusion_pytorch_model")
        } catch {
            throw DiffusionError(error)
        }
        unet = UNet(unetConfiguration, NetworkWeights(unetCheckpoint, used: usedNames.unet), residency: residency)
        autoencoder = AutoencoderEncoder(
            encoderConfiguration, NetworkWeights(autoencoderCheckpoint, used: usedNames.autoencoder), residency: residency)
    }

    /// The side of images, in pixels, is a multiple of this: 64.
    public var imageSideFactor: Int { autoencoder.configuration.sideFactor * unet.configuration.sideFactor }

    /// The width of a context.
    public var contextChannels: Int { unet.configuration.contextChannels }

    // MARK: Parts of a pass

    /// Encodes images.
    ///
    /// - Parameter images: `[N, height, width, 3]` from −1 to 1, sides that ``imageSideFactor`` divides.
    /// - Throws: ``DiffusionError`` where the image has another shape or holds numbers that are not finite, or weights cannot be
    ///   read.
    /// - Complexity: 558 thousand million multiplications for 512 × 512 pixels; 0.5 GB beside the weights.
    public func encode(_ images: Tensor) throws(DiffusionError) -> LatentDistribution {
        let factor = imageSideFactor
        guard images.shape.count == 4, images.shape[3] == 3, images.shape[0] > 0,
            images.shape[1...2].allSatisfy({ $0 > 0 && $0 % factor == 0 })
        else {
            throw DiffusionError(
                .invalidInput,
                "takes images with sides that are multiples of \(factor) pixels and three channels, not \(images.shape); "
                    + "resize the tiles", path: folder)
        }
        guard images.isFinite else { throw .notFinite("the image", path: folder) }
        let latents = try inTurn { () throws(CheckpointError) in try autoencoder(images) }
        guard latents.mean.isFinite, latents.logVariance.isFinite else { throw .notFinite("the latent", path: folder) }
        return latents
    }

    /// The context of a prompt, `[1, tokens, contextChannels]`. Computed once, then kept.
    ///
    /// - Throws: ``DiffusionError`` where tokenizer or text encoder are missing or damaged.
    public func context(for prompt: String) throws(DiffusionError) -> Tensor {
        if let context = contexts.withLock({ $0[prompt] }) { return context }
        let context = try turn.withLock { _ throws(DiffusionError) in
            try TextContext.make(for: prompt, folder: folder, channels: contextChannels)
        }
        guard context.isFinite else { throw .notFinite("the context", path: folder) }
        contexts.withLock { $0[prompt] = context }
        return context
    }

    /// What self-attention makes of one latent at several timesteps, each with noise of its own.
    ///
    /// - Parameters:
    ///   - latent: `[1, height, width, channels]`, scaled, as ``encode(_:)`` gives it.
    ///   - timesteps: all in one pass over the network.
    ///   - seed: of the noise.
    /// - Throws: as ``encode(_:)``.
    /// - Complexity: 402 thousand million multiplications for each timestep of Stable Diffusion 1.5 at 64 × 64; 67 MB for each
    ///   affinity of 64 × 64 tokens, and 0.1 GB for each timestep.
    public func attention(
        _ latent: Tensor, timesteps: [Int], context: Tensor, seed: UInt64 = 0,
        selecting selection: AttentionFeatures.Selection = .init()
    ) throws(DiffusionError) -> AttentionFeatures {
        try check(latent, timesteps)
        let noised = schedule.noised(latent, at: timesteps, seed: seed)
        return try attention(noised: noised, timesteps: timesteps, context: context, selecting: selection)
    }

    /// The same of latents that have their noise already, `[N, height, width, channels]`.
    public func attention(
        noised latents: Tensor, timesteps: [Int], context: Tensor, selecting selection: AttentionFeatures.Selection = .init()
    ) throws(DiffusionError) -> AttentionFeatures {
        let collector = AttentionCollector(selection, latentHeight: latents.shape[1], latentWidth: latents.shape[2])
        try pass(latents, timesteps: timesteps, context: context, extent: .lastAttention, observer: collector)
        return try collector.features(path: folder)
    }

    /// The output of a block at one timestep, `[1, height, width, channels]`: the features of DIFT (Tang et al., NeurIPS 2023),
    /// which takes `up_blocks.1` at timestep 261.
    public func features(
        _ latent: Tensor, timestep: Int, context: Tensor, block: String, seed: UInt64 = 0
    ) throws(DiffusionError) -> Tensor {
        try check(latent, [timestep])
        let watch = BlockWatch(block)
        try pass(
            schedule.noised(latent, at: [timestep], seed: seed), timesteps: [timestep], context: context, extent: .block(block),
            observer: watch)
        guard let output = watch.output else {
            throw DiffusionError(.invalidInput, "has no block '\(block)'; they are down_blocks.0 to up_blocks.3", path: folder)
        }
        guard output.isFinite else { throw .notFinite("the output of \(block)", path: folder) }
        return output
    }

    /// A pass through the U-Net, as ``UNet/callAsFunction(_:timesteps:context:extent:observer:)``, when its turn has come.
    @discardableResult
    public func pass(
        _ latents: Tensor, timesteps: [Int], context: Tensor, extent: UNetExtent, observer: (any UNetObserver)? = nil
    ) throws(DiffusionError) -> Tensor? {
        try check(latents, timesteps)
        guard context.shape.count == 3, context.shape[0] == 1, context.shape[2] == contextChannels, context.isFinite else {
            throw DiffusionError(
                .invalidInput, "takes a context of the shape [1, tokens, \(contextChannels)], not \(context.shape)", path: folder)
        }
        return try inTurn { () throws(CheckpointError) in
            try unet(latents, timesteps: timesteps, context: context, extent: extent, observer: observer)
        }
    }

    private func check(_ latents: Tensor, _ timesteps: [Int]) throws(DiffusionError) {
        let (factor, channels) = (unet.configuration.sideFactor, unet.configuration.latentChannels)
        guard latents.shape.count == 4, latents.shape[3] == channels,
            latents.shape[1...2].allSatisfy({ $0 > 0 && $0 % factor == 0 })
        else {
            throw DiffusionError(
                .invalidInput,
                "takes latents with sides that are multiples of \(factor) and \(channels) channels, not \(latents.shape)",
                path: folder)
        }
        guard !timesteps.isEmpty, timesteps.allSatisfy(schedule.alphas.indices.contains) else {
            throw DiffusionError(
                .invalidInput, "has the timesteps 0 to \(schedule.alphas.count - 1); \(timesteps) are not all among them",
                path: folder)
        }
        guard latents.isFinite else { throw .notFinite("the latent", path: folder) }
    }

    private func inTurn<Result>(_ body: () throws(CheckpointError) -> Result) throws(DiffusionError) -> Result {
        try turn.withLock { _ throws(DiffusionError) in
            do throws(CheckpointError) { return try body() } catch { throw DiffusionError(error) }
        }
    }

    // MARK: Checking

    /// Reads every tensor of U-Net and encoder, and sends a small image through them, to the last layer.
    ///
    /// - Throws: ``DiffusionError`` where a tensor is missing, of another shape or type than the
    ///   configuration says, not called for by it, or not finite.
    /// - Complexity: all weights are read once; use a streamed model where they should not stay.
    public func verify() throws(DiffusionError) {
        let side = imageSideFactor
        let latent = try encode(Tensor(shape: [1, side, side, 3], repeating: 0.5)).mode
        let context = try context(for: "")
        guard let noise = try pass(latent, timesteps: [0], context: context, extent: .noise), noise.isFinite else {
            throw .notFinite("the noise that it predicts", path: folder)
        }
        try reportUnused(unetCheckpoint, usedNames.unet) { _ in false }
        // The decoder, which nothing here needs, lies in the same file.
        try reportUnused(autoencoderCheckpoint, usedNames.autoencoder) { name in
            ["decoder.", "post_quant_conv."].contains { name.hasPrefix($0) }
        }
    }

    private func reportUnused(_ checkpoint: Checkpoint, _ used: UsedNames, isKnown: (String) -> Bool) throws(DiffusionError) {
        if let name = checkpoint.names.first(where: { !used.contains($0) && !isKnown($0) }) {
            throw DiffusionError(
                .malformed,
                "has the tensor '\(name.prefix(120))', which its configuration does not call for: the weights are of "
                    + "another model", path: checkpoint.path)
        }
    }
}

/// Keeps the output of one block.
private final class BlockWatch: UNetObserver {
    private let name: String
    private(set) var output: Tensor?

    init(_ name: String) { self.name = name }

    func block(_ name: String, _ output: Tensor) {
        if name == self.name { self.output = output }
    }
}

extension Tensor {
    /// Whether it holds neither infinities nor NaN.
    var isFinite: Bool { withUnsafeBufferPointer { values in values.allSatisfy(\.isFinite) } }
}

extension DiffusionError {
    static func notFinite(_ what: String, path: String) -> DiffusionError {
        DiffusionError(.notFinite, "cannot go on: \(what) holds numbers that are not finite", path: path)
    }
}
