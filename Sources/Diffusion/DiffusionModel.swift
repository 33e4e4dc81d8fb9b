public import Basics
import Checkpoints
import Synchronization
public import Tensors

/// A model of Stable Diffusion 1 or 2, from a folder in the layout of diffusers, or from one file in the layout of its authors.
///
/// ```swift
/// let model = try DiffusionModel(path: "sd15")             // or v1-5-pruned-emaonly.safetensors
/// let latent = try model.encode(image).mode
/// let features = try model.attention(latent, timesteps: [50, 150, 250], context: model.context(for: ""))
/// ```
///
/// Opening reads headers only; weights are mapped, and loaded layer by layer at their first use. Several threads may use a model:
/// passes run one at a time, since each uses all processors.
public final class DiffusionModel: Sendable {
    /// The path of the folder or file.
    public let path: String
    /// What the files hold, and what was assumed of them, for people to read.
    public let summary: String
    /// The noise at each timestep.
    public let schedule: NoiseSchedule
    /// The U-Net. Its own pass does not wait for its turn; ``runUNet(_:timesteps:context:extent:observer:)`` does.
    public let unet: DenoisingUNet
    let autoencoder: AutoencoderEncoder
    private let unetCheckpoint: Checkpoint
    private let autoencoderCheckpoint: Checkpoint
    private let contextSource: any ContextSource
    private let usedNames = (unet: UsedNames(), autoencoder: UsedNames())
    private let residency: Residency
    /// The contexts of prompts that were computed.
    private let contexts = Mutex<[String: Tensor]>([:])
    /// Held during a pass.
    private let turn = Mutex(())

    /// Opens a model in whatever layout it has: a folder of diffusers, as ``init(folder:residency:)`` does; a file that holds all
    /// networks (`.safetensors`, or `.ckpt` of `torch.save`); or a folder with one such file and a tokenizer.
    ///
    /// - Parameters:
    ///   - tokenizer: a folder with `vocab.json` and `merges.txt`, which a single file lacks; nil to look for them beside the file
    ///     and in `tokenizer` beside it. Without a tokenizer, only the empty prompt has a context. A folder of diffusers has its
    ///     own.
    ///   - residency: whether all weights stay in memory (3.6 GB for Stable Diffusion 1.5), or only those of one layer at a time.
    ///   - arithmetic: the numbers that the U-Net and the encoder multiply; weights of bfloat16 take half of the memory
    ///     where the processor multiplies these. Contexts are
    ///     always computed in float32.
    /// - Throws: ``DiffusionError`` if a file is missing or damaged, or holds another model; the sentence says which, where it is
    ///   known.
    public convenience init(
        path: String, tokenizer: String? = nil, residency: Residency = .resident, arithmetic: Arithmetic = .float32
    ) throws(DiffusionError) {
        self.init(try ModelParts(path: path, tokenizer: tokenizer), residency: residency, arithmetic: arithmetic)
    }

    /// Opens a model in the layout of diffusers.
    ///
    /// - Parameters:
    ///   - folder: has the subfolders `unet`, `vae`, `scheduler`, and either `text_encoder` and `tokenizer` or the file
    ///     `empty_context.safetensors`, the stored context of the empty prompt.
    ///   - residency: whether all weights stay in memory (3.6 GB for Stable Diffusion 1.5), or only those of one layer at a time.
    ///   - arithmetic: the numbers that the U-Net and the encoder multiply; weights of bfloat16 take half of the memory
    ///     where the processor multiplies these. Contexts are
    ///     always computed in float32.
    /// - Throws: ``DiffusionError`` if a configuration is missing or describes another kind of network, or a file of weights
    ///   is missing or damaged. The text encoder and the tokenizer are opened later, by ``context(for:)``.
    public convenience init(
        folder: String, residency: Residency = .resident, arithmetic: Arithmetic = .float32
    ) throws(DiffusionError) {
        self.init(try ModelParts(folder: folder), residency: residency, arithmetic: arithmetic)
    }

    init(_ parts: ModelParts, residency: Residency, arithmetic: Arithmetic = .float32) {
        path = parts.path
        summary = parts.summary
        schedule = parts.schedule
        self.residency = residency
        (unetCheckpoint, autoencoderCheckpoint) = (parts.unet.checkpoint, parts.autoencoder.checkpoint)
        contextSource = parts.contextSource
        unet = DenoisingUNet(
            parts.unet.configuration, DiffusionWeights(unetCheckpoint, arithmetic: arithmetic, used: usedNames.unet),
            residency: residency)
        autoencoder = AutoencoderEncoder(
            parts.autoencoder.configuration,
            DiffusionWeights(autoencoderCheckpoint, arithmetic: arithmetic, used: usedNames.autoencoder),
            residency: residency)
    }

    /// The sides of images, in pixels, must be multiples of this: 64 in Stable Diffusion.
    public var imageSideFactor: Int { autoencoder.configuration.sideFactor * unet.configuration.sideFactor }

    /// The channels of a context.
    public var contextChannels: Int { unet.configuration.contextChannels }

    // MARK: Parts of a pass

    /// Encodes images.
    ///
    /// - Parameter images: `[N, height, width, 3]` from −1 to 1, with sides that are multiples of ``imageSideFactor``.
    /// - Returns: the distribution of the latents, `[N, height / 8, width / 8, 4]` in Stable Diffusion.
    /// - Throws: ``DiffusionError`` if the images have another shape, images or latents hold numbers that are not finite, or
    ///   weights cannot be read.
    /// - Complexity: 558 · 10⁹ multiplications for 512 × 512 pixels; 0.5 GB besides the weights.
    public func encode(_ images: Tensor) throws(DiffusionError) -> LatentDistribution {
        let factor = imageSideFactor
        guard images.shape.count == 4, images.shape[3] == 3, images.shape[0] > 0,
            images.shape[1...2].allSatisfy({ $0 > 0 && $0 % factor == 0 })
        else {
            throw DiffusionError(
                .invalidInput,
                "takes images with sides that are multiples of \(factor) pixels and three channels, not \(images.shape); "
                    + "resize the tiles", path: path)
        }
        guard images.isFinite else { throw .notFinite("the image", path: path) }
        let latents = try inTurn { () throws(CheckpointError) in try autoencoder(images) }
        guard latents.mean.isFinite, latents.logVariance.isFinite else { throw .notFinite("the latent", path: path) }
        return latents
    }

    /// The context of a prompt for the U-Net's cross-attention, `[1, tokens, contextChannels]`. Computed once, then kept in
    /// memory.
    ///
    /// - Throws: ``DiffusionError`` if tokenizer or text encoder are missing or damaged, the model knows the empty prompt only and
    ///   the prompt is not empty, or the context holds numbers that are not finite.
    public func context(for prompt: String) throws(DiffusionError) -> Tensor {
        if let context = contexts.withLock({ $0[prompt] }) { return context }
        let context = try turn.withLock { _ throws(DiffusionError) in
            try contextSource.context(for: prompt, channels: contextChannels)
        }
        guard context.isFinite else { throw .notFinite("the context", path: path) }
        contexts.withLock { $0[prompt] = context }
        return context
    }

    /// The self-attention features of one latent, averaged over several timesteps, each with its own noise.
    ///
    /// - Parameters:
    ///   - latent: `[1, height, width, channels]`, scaled: `mode` or `sample(seed:)` of the result of ``encode(_:)``.
    ///   - timesteps: indices into the schedule; all are computed in one pass over the network.
    ///   - context: `[1, tokens, contextChannels]`, from ``context(for:)``.
    ///   - seed: of the noise.
    ///   - selection: which features to gather.
    /// - Throws: ``DiffusionError`` if latent, timesteps or context are invalid, weights cannot be read, or queries or keys that
    ///   are gathered hold numbers that are not finite.
    /// - Complexity: 402 · 10⁹ multiplications for each timestep of Stable Diffusion 1.5 at 64 × 64; 67 MB for each
    ///   affinity of 64 × 64 tokens, and 0.1 GB for each timestep.
    public func attention(
        _ latent: Tensor, timesteps: [Int], context: Tensor, seed: UInt64 = 0,
        selecting selection: AttentionFeatures.Selection = .init()
    ) throws(DiffusionError) -> AttentionFeatures {
        try check(latent, count: 1, timesteps)
        let noised = schedule.noised(latent, at: timesteps, seed: seed)
        return try attention(noised: noised, timesteps: timesteps, context: context, selecting: selection)
    }

    /// The same for latents that already have their noise, `[timesteps, height, width, channels]`.
    ///
    /// - Throws: ``DiffusionError`` as ``attention(_:timesteps:context:seed:selecting:)``, and if there are not as many latents as
    ///   timesteps.
    public func attention(
        noised latents: Tensor, timesteps: [Int], context: Tensor, selecting selection: AttentionFeatures.Selection = .init()
    ) throws(DiffusionError) -> AttentionFeatures {
        try check(latents, count: timesteps.count, timesteps)
        let collector = AttentionCollector(selection, latentHeight: latents.shape[1], latentWidth: latents.shape[2])
        try runUNet(latents, timesteps: timesteps, context: context, extent: .lastAttention, observer: collector)
        return try collector.features(path: path)
    }

    /// The output of one block of the U-Net at one timestep, `[1, height, width, channels]`. These are the features of DIFT (Tang
    /// et al., NeurIPS 2023), which uses `up_blocks.1` at timestep 261.
    ///
    /// - Throws: ``DiffusionError`` if latent, timestep or context are invalid, there is no block of that name, weights cannot be
    ///   read, or the output holds numbers that are not finite.
    /// - Complexity: a pass through the network up to the block.
    public func features(
        _ latent: Tensor, timestep: Int, context: Tensor, block: String, seed: UInt64 = 0
    ) throws(DiffusionError) -> Tensor {
        try check(latent, count: 1, [timestep])
        let watch = BlockWatch(block)
        try runUNet(
            schedule.noised(latent, at: [timestep], seed: seed), timesteps: [timestep], context: context, extent: .block(block),
            observer: watch)
        guard let output = watch.output else {
            throw DiffusionError(.invalidInput, "has no block '\(block)'; give one of down_blocks.0 to up_blocks.3", path: path)
        }
        guard output.isFinite else { throw .notFinite("the output of \(block)", path: path) }
        return output
    }

    /// Checks its arguments, waits until no other pass of this model runs, and runs the U-Net as
    /// ``DenoisingUNet/callAsFunction(_:timesteps:context:extent:observer:)`` does.
    ///
    /// - Throws: ``DiffusionError`` if latents, timesteps or context are invalid, there are not as many latents as timesteps, or
    ///   weights cannot be read. The result is not checked for numbers that are not finite.
    @discardableResult
    public func runUNet(
        _ latents: Tensor, timesteps: [Int], context: Tensor, extent: UNetExtent, observer: (any UNetObserver)? = nil
    ) throws(DiffusionError) -> Tensor? {
        try check(latents, count: timesteps.count, timesteps)
        guard context.shape.count == 3, context.shape[0] == 1, context.shape[2] == contextChannels, context.isFinite else {
            throw DiffusionError(
                .invalidInput,
                "cannot take this context of the shape \(context.shape); give [1, tokens, \(contextChannels)] of finite numbers",
                path: path)
        }
        return try inTurn { () throws(CheckpointError) in
            try unet(latents, timesteps: timesteps, context: context, extent: extent, observer: observer)
        }
    }

    /// - Parameter count: the number of latents that are needed.
    private func check(_ latents: Tensor, count: Int, _ timesteps: [Int]) throws(DiffusionError) {
        let (factor, channels) = (unet.configuration.sideFactor, unet.configuration.latentChannels)
        guard latents.shape.count == 4, latents.shape[3] == channels,
            latents.shape[1...2].allSatisfy({ $0 > 0 && $0 % factor == 0 })
        else {
            throw DiffusionError(
                .invalidInput,
                "cannot take latents of the shape \(latents.shape); give sides that are multiples of \(factor), and \(channels) channels",
                path: path)
        }
        guard latents.shape[0] == count else {
            throw DiffusionError(
                .invalidInput,
                "cannot take \(latents.shape[0]) latents; give \(count == 1 ? "one" : "\(count), one for each timestep")",
                path: path)
        }
        guard !timesteps.isEmpty, timesteps.allSatisfy(schedule.cumulativeAlphas.indices.contains) else {
            throw DiffusionError(
                .invalidInput,
                "does not have all of the timesteps \(timesteps); give some of 0 to \(schedule.cumulativeAlphas.count - 1)",
                path: path)
        }
        guard latents.isFinite else { throw .notFinite("the latent", path: path) }
    }

    private func inTurn<Result>(_ body: () throws(CheckpointError) -> Result) throws(DiffusionError) -> Result {
        try turn.withLock { _ throws(DiffusionError) in
            do throws(CheckpointError) { return try body() } catch { throw DiffusionError(error) }
        }
    }

    // MARK: Checking

    /// Checks the weights: passes a small image through encoder and U-Net to the last layer, and then checks that every tensor of
    /// the U-Net and of the encoder was read.
    ///
    /// - Throws: ``DiffusionError`` if a tensor is missing, has another shape or type than the configuration says, has no use in
    ///   it, or leads to numbers that are not finite.
    /// - Complexity: reads all weights once. Use a streamed model if they are not to stay in memory.
    public func verify() throws(DiffusionError) {
        let side = imageSideFactor
        let latent = try encode(Tensor(shape: [1, side, side, 3], repeating: 0.5)).mode
        let context = try context(for: "")
        guard let noise = try runUNet(latent, timesteps: [0], context: context, extent: .noise), noise.isFinite else {
            throw .notFinite("the noise that it predicts", path: path)
        }
        try reportUnused(unetCheckpoint, usedNames.unet) { _ in false }
        // The same file holds the decoder, which is not used here.
        try reportUnused(autoencoderCheckpoint, usedNames.autoencoder) { name in
            ["decoder.", "post_quant_conv."].contains { name.hasPrefix($0) }
        }
    }

    private func reportUnused(_ checkpoint: Checkpoint, _ used: UsedNames, isKnown: (String) -> Bool) throws(DiffusionError) {
        if let name = checkpoint.names.first(where: { !used.contains($0) && !isKnown($0) }) {
            throw DiffusionError(
                .malformed,
                "has the tensor '\(name.prefix(120))', which its configuration does not call for: the weights are of "
                    + "another model; get both from one place", path: checkpoint.path)
        }
    }
}

extension DiffusionModel {
    /// Encodes one 8-bit grey image, with sides that are multiples of ``imageSideFactor``.
    ///
    /// - Parameter pixels: `[height][width]`; 0…255 becomes −1…1 in three equal channels.
    /// - Throws: ``DiffusionError`` if the number of pixels is not height · width, and the errors of ``encode(_:)-(Tensor)``.
    public func encode(gray pixels: [UInt8], height: Int, width: Int) throws(DiffusionError) -> LatentDistribution {
        guard height > 0, width > 0, height <= 1 << 15, width <= 1 << 15, pixels.count == height * width else {
            throw DiffusionError(
                .invalidInput,
                "cannot take \(pixels.count) pixels of an image of \(height) × \(width); give height · width of them, up to 32768 a side",
                path: path)
        }
        return try encode(
            Tensor(shape: [1, height, width, 3]) { target in
                for (index, pixel) in pixels.enumerated() {
                    let value = 2 * (Float(pixel) / 255) - 1
                    for channel in 0..<3 { target.initializeElement(at: 3 * index + channel, to: value) }
                }
            })
    }
}

/// Keeps the output of the block of one name.
private final class BlockWatch: UNetObserver {
    private let name: String
    private(set) var output: Tensor?

    init(_ name: String) { self.name = name }

    func block(_ name: String, _ output: Tensor) {
        if name == self.name { self.output = output }
    }
}

extension Tensor {
    /// Whether it holds neither infinities nor NaN. O(elements).
    var isFinite: Bool { withUnsafeBufferPointer { values in values.allSatisfy(\.isFinite) } }
}

extension DiffusionError {
    /// The error for a result or an input (`what`) that holds infinities or NaN.
    static func notFinite(_ what: String, path: String) -> DiffusionError {
        DiffusionError(
            .notFinite, "cannot go on: \(what) holds numbers that are not finite; look for damage in the input, or in the model",
            path: path)
    }
}
