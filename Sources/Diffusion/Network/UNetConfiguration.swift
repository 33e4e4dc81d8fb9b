/// The architecture of a U-Net, from `unet/config.json` (diffusers, `UNet2DConditionModel`).
public struct UNetConfiguration: Sendable, Hashable {
    /// The channels of a latent.
    public let latentChannels: Int
    /// The channels at each level (resolution), finest level first.
    public let channels: [Int]
    /// Residual blocks in a level of the encoder; a level of the decoder has one more.
    public let residualBlocks: Int
    /// The number of attention heads at each level.
    public let heads: [Int]
    /// Whether each level has attention, in encoder and decoder alike.
    public let hasAttention: [Bool]
    /// The channels of a text's context.
    public let contextChannels: Int
    /// The number of groups of each group norm.
    public let normGroups: Int
    /// ε of the group norms of residual blocks and of the output. (Those of the attention have 10⁻⁶.)
    public let normEpsilon: Float
    /// Whether the time embedding has its cosines before its sines.
    public let putsCosineFirst: Bool
    /// What is subtracted from the number of frequencies of the time embedding to space them (`freq_shift` of diffusers).
    public let frequencyShift: Float

    /// The channels of the time embedding.
    public var timeChannels: Int { channels[0] * 4 }

    /// The sides of latents must be multiples of this: each level but the last halves them.
    public var sideFactor: Int { 1 << (channels.count - 1) }

    /// The self-attention layers in the order of a pass.
    public var attentionLayers: [AttentionLayer] {
        let levels = channels.indices
        func layer(_ name: String, _ group: AttentionLayer.Group, _ level: Int) -> AttentionLayer {
            AttentionLayer(name: name, group: group, level: level, channels: channels[level], heads: heads[level])
        }
        let encoder = levels.filter { hasAttention[$0] }.flatMap { level in
            (0..<residualBlocks).map { layer("down_blocks.\(level).attentions.\($0)", .encoder, level) }
        }
        let decoder = levels.reversed().filter { hasAttention[$0] }.flatMap { level in
            (0...residualBlocks).map {
                layer("up_blocks.\(channels.count - 1 - level).attentions.\($0)", .decoder, level)
            }
        }
        return encoder + [layer("mid_block.attentions.0", .middle, channels.count - 1)] + decoder
    }
}

extension UNetConfiguration {
    /// The keys of the file. A missing optional key has diffusers' default value.
    private struct Keys: Decodable {
        /// One number for all levels, or one for each.
        enum Heads: Decodable {
            case one(Int)
            case each([Int])

            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                if let number = try? container.decode(Int.self) {
                    self = .one(number)
                } else {
                    self = .each(try container.decode([Int].self))
                }
            }
        }

        var inChannels: Int?
        var blockOutChannels: [Int]
        var layersPerBlock: Int?
        var attentionHeadDimension: Heads?
        var attentionHeads: Heads?
        var downBlockTypes: [String]
        var upBlockTypes: [String]
        var midBlockType: String?
        var crossAttentionDimension: Int
        var normGroups: Int?
        var normEpsilon: Float?
        var flipsSineToCosine: Bool?
        var frequencyShift: Float?
        var downsamplePadding: Int?
        var activation: String?
        var centersInputSample: Bool?
        var midBlockScaleFactor: Float?
        var transformerLayersPerBlock: Int?
        var classEmbeddingType: String?
        var additionEmbeddingType: String?
        var encoderHiddenDimension: Int?
        var timeEmbeddingType: String?
        var resnetTimeScaleShift: String?
        var dualCrossAttention: Bool?
        var onlyCrossAttention: Bool?
        var attentionType: String?

        enum CodingKeys: String, CodingKey {
            case inChannels = "in_channels"
            case blockOutChannels = "block_out_channels"
            case layersPerBlock = "layers_per_block"
            case attentionHeadDimension = "attention_head_dim"
            case attentionHeads = "num_attention_heads"
            case downBlockTypes = "down_block_types"
            case upBlockTypes = "up_block_types"
            case midBlockType = "mid_block_type"
            case crossAttentionDimension = "cross_attention_dim"
            case normGroups = "norm_num_groups"
            case normEpsilon = "norm_eps"
            case flipsSineToCosine = "flip_sin_to_cos"
            case frequencyShift = "freq_shift"
            case downsamplePadding = "downsample_padding"
            case activation = "act_fn"
            case centersInputSample = "center_input_sample"
            case midBlockScaleFactor = "mid_block_scale_factor"
            case transformerLayersPerBlock = "transformer_layers_per_block"
            case classEmbeddingType = "class_embed_type"
            case additionEmbeddingType = "addition_embed_type"
            case encoderHiddenDimension = "encoder_hid_dim"
            case timeEmbeddingType = "time_embedding_type"
            case resnetTimeScaleShift = "resnet_time_scale_shift"
            case dualCrossAttention = "dual_cross_attention"
            case onlyCrossAttention = "only_cross_attention"
            case attentionType = "attention_type"
        }
    }

    /// Reads and checks `config.json`.
    ///
    /// - Throws: ``DiffusionError`` if it cannot be read, or describes a network of another kind than Stable Diffusion 1 and 2.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let levels = keys.blockOutChannels.count
        let groups = keys.normGroups ?? 32
        func each(_ heads: Keys.Heads) -> [Int] {
            switch heads {
            case .one(let number): Array(repeating: number, count: levels)
            case .each(let numbers): numbers
            }
        }
        // In spite of its name, attention_head_dim holds the number of heads: diffusers keeps the wrong name so that old
        // configurations stay valid.
        let heads = each(keys.attentionHeads ?? keys.attentionHeadDimension ?? .one(8))
        let down = keys.downBlockTypes
        let up = Array(keys.upBlockTypes.reversed())
        try file.require(
            (2...6).contains(levels) && keys.blockOutChannels.allSatisfy { (1...8192).contains($0) },
            "block_out_channels are not two to six numbers up to 8192")
        try file.require(
            (1...128).contains(groups) && keys.blockOutChannels.allSatisfy { $0 % groups == 0 },
            "norm_num_groups does not divide each of block_out_channels")
        try file.require(keys.blockOutChannels[0] % 2 == 0, "the first of block_out_channels is odd")
        try file.require(
            heads.count == levels && zip(heads, keys.blockOutChannels).allSatisfy { $0 > 0 && $1 % $0 == 0 },
            "attention_head_dim (the number of heads) does not divide each of block_out_channels")
        try file.require((1...8).contains(keys.layersPerBlock ?? 2), "layers_per_block is not 1 to 8")
        try file.require((1...64).contains(keys.inChannels ?? 4), "in_channels is not 1 to 64")
        try file.require((1...8192).contains(keys.crossAttentionDimension), "cross_attention_dim is not 1 to 8192")
        try file.require(
            down.count == levels && down.allSatisfy { ["CrossAttnDownBlock2D", "DownBlock2D"].contains($0) },
            "down_block_types are not CrossAttnDownBlock2D and DownBlock2D, one for each of block_out_channels")
        try file.require(
            up.count == levels && up.allSatisfy { ["CrossAttnUpBlock2D", "UpBlock2D"].contains($0) }
                && zip(down, up).allSatisfy { $0.hasPrefix("Cross") == $1.hasPrefix("Cross") },
            "up_block_types do not mirror down_block_types")
        // Other families of networks change these. They are refused, since the results would be wrong without an error.
        try file.require(
            (keys.midBlockType ?? "UNetMidBlock2DCrossAttn") == "UNetMidBlock2DCrossAttn", "mid_block_type is another")
        try file.require((keys.activation ?? "silu") == "silu", "act_fn is not silu")
        try file.require((keys.downsamplePadding ?? 1) == 1, "downsample_padding is not 1")
        try file.require(!(keys.centersInputSample ?? false), "center_input_sample is set")
        try file.require((keys.midBlockScaleFactor ?? 1) == 1, "mid_block_scale_factor is not 1")
        try file.require((keys.transformerLayersPerBlock ?? 1) == 1, "transformer_layers_per_block is not 1")
        try file.require(keys.classEmbeddingType == nil, "class_embed_type is set")
        try file.require(keys.additionEmbeddingType == nil, "addition_embed_type is set, as in Stable Diffusion XL")
        try file.require(keys.encoderHiddenDimension == nil, "encoder_hid_dim is set")
        try file.require((keys.timeEmbeddingType ?? "positional") == "positional", "time_embedding_type is another")
        try file.require((keys.resnetTimeScaleShift ?? "default") == "default", "resnet_time_scale_shift is another")
        try file.require(!(keys.dualCrossAttention ?? false), "dual_cross_attention is set")
        try file.require(!(keys.onlyCrossAttention ?? false), "only_cross_attention is set")
        try file.require((keys.attentionType ?? "default") == "default", "attention_type is another")

        latentChannels = keys.inChannels ?? 4
        channels = keys.blockOutChannels
        residualBlocks = keys.layersPerBlock ?? 2
        self.heads = heads
        hasAttention = down.map { $0.hasPrefix("Cross") }
        contextChannels = keys.crossAttentionDimension
        normGroups = groups
        normEpsilon = keys.normEpsilon ?? 1e-5
        putsCosineFirst = keys.flipsSineToCosine ?? true
        frequencyShift = keys.frequencyShift ?? 0
    }
}

/// The name, place and size of a self-attention layer of a U-Net.
public struct AttentionLayer: Sendable, Hashable {
    /// The parts of the network: `down_blocks`, `mid_block` and `up_blocks` of diffusers.
    public enum Group: String, Sendable, Hashable, CaseIterable {
        case encoder, middle, decoder
    }

    /// The name of its transformer in diffusers, for example `down_blocks.0.attentions.1`.
    public let name: String
    /// The part of the network that holds it.
    public let group: Group
    /// How many times the latent's grid is halved before this layer: of a 64×64 latent, 0 is 64×64 and 3 is 8×8.
    public let level: Int
    /// The channels of all heads together.
    public let channels: Int
    /// The number of heads.
    public let heads: Int
}
