/// The architecture of a U-Net, as `unet/config.json` gives it (diffusers, `UNet2DConditionModel`).
public struct UNetConfiguration: Sendable, Hashable {
    /// Channels of a latent.
    public let latentChannels: Int
    /// Channels at each level, from the finest.
    public let channels: [Int]
    public let residualBlocks: Int
    /// Heads of the attention at each level.
    public let heads: [Int]
    /// Whether a level has attention, on the way down.
    public let hasAttention: [Bool]
    /// Channels of a text's context.
    public let contextChannels: Int
    public let normGroups: Int
    public let normEpsilon: Float
    public let putsCosineFirst: Bool
    public let frequencyShift: Float

    /// The width of the time's embedding.
    public var timeChannels: Int { channels[0] * 4 }

    /// Latents have sides that this divides: they are halved at each level but the last.
    public var sideFactor: Int { 1 << (channels.count - 1) }

    /// Its self-attention layers in the order of a pass.
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
    /// What the file holds; a key that is left out has the value that diffusers gives it.
    private struct Keys: Decodable {
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

        var in_channels: Int?
        var block_out_channels: [Int]
        var layers_per_block: Int?
        var attention_head_dim: Heads?
        var num_attention_heads: Heads?
        var down_block_types: [String]
        var up_block_types: [String]
        var mid_block_type: String?
        var cross_attention_dim: Int
        var norm_num_groups: Int?
        var norm_eps: Float?
        var flip_sin_to_cos: Bool?
        var freq_shift: Float?
        var downsample_padding: Int?
        var act_fn: String?
        var center_input_sample: Bool?
        var mid_block_scale_factor: Float?
        var transformer_layers_per_block: Int?
        var class_embed_type: String?
        var addition_embed_type: String?
        var encoder_hid_dim: Int?
        var time_embedding_type: String?
        var resnet_time_scale_shift: String?
        var dual_cross_attention: Bool?
        var only_cross_attention: Bool?
        var attention_type: String?
    }

    /// Reads and checks `config.json`.
    ///
    /// - Throws: ``DiffusionError`` where it cannot be read, or describes a network that is not of the kind of Stable
    ///   Diffusion 1 and 2.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let levels = keys.block_out_channels.count
        let groups = keys.norm_num_groups ?? 32
        func each(_ heads: Keys.Heads) -> [Int] {
            switch heads {
            case .one(let number): Array(repeating: number, count: levels)
            case .each(let numbers): numbers
            }
        }
        // Named dimension, meant as number: diffusers keeps the old name for the weights' sake.
        let heads = each(keys.num_attention_heads ?? keys.attention_head_dim ?? .one(8))
        let down = keys.down_block_types
        let up = Array(keys.up_block_types.reversed())
        try file.require(
            (2...6).contains(levels) && keys.block_out_channels.allSatisfy { (1...8192).contains($0) },
            "block_out_channels are not two to six numbers up to 8192")
        try file.require(
            (1...128).contains(groups) && keys.block_out_channels.allSatisfy { $0 % groups == 0 },
            "norm_num_groups does not divide each of block_out_channels")
        try file.require(keys.block_out_channels[0] % 2 == 0, "the first of block_out_channels is odd")
        try file.require(
            heads.count == levels && zip(heads, keys.block_out_channels).allSatisfy { $0 > 0 && $1 % $0 == 0 },
            "attention_head_dim (the number of heads) does not divide each of block_out_channels")
        try file.require((1...8).contains(keys.layers_per_block ?? 2), "layers_per_block is not 1 to 8")
        try file.require((1...64).contains(keys.in_channels ?? 4), "in_channels is not 1 to 64")
        try file.require((1...8192).contains(keys.cross_attention_dim), "cross_attention_dim is not 1 to 8192")
        try file.require(
            down.count == levels && down.allSatisfy { ["CrossAttnDownBlock2D", "DownBlock2D"].contains($0) },
            "down_block_types are not CrossAttnDownBlock2D and DownBlock2D, one for each of block_out_channels")
        try file.require(
            up.count == levels && up.allSatisfy { ["CrossAttnUpBlock2D", "UpBlock2D"].contains($0) }
                && zip(down, up).allSatisfy { $0.hasPrefix("Cross") == $1.hasPrefix("Cross") },
            "up_block_types do not mirror down_block_types")
        // What other families of networks change; each would be computed wrongly in silence.
        try file.require(
            (keys.mid_block_type ?? "UNetMidBlock2DCrossAttn") == "UNetMidBlock2DCrossAttn", "mid_block_type is another")
        try file.require((keys.act_fn ?? "silu") == "silu", "act_fn is not silu")
        try file.require((keys.downsample_padding ?? 1) == 1, "downsample_padding is not 1")
        try file.require(!(keys.center_input_sample ?? false), "center_input_sample is set")
        try file.require((keys.mid_block_scale_factor ?? 1) == 1, "mid_block_scale_factor is not 1")
        try file.require((keys.transformer_layers_per_block ?? 1) == 1, "transformer_layers_per_block is not 1")
        try file.require(keys.class_embed_type == nil, "class_embed_type is set")
        try file.require(keys.addition_embed_type == nil, "addition_embed_type is set, as in Stable Diffusion XL")
        try file.require(keys.encoder_hid_dim == nil, "encoder_hid_dim is set")
        try file.require((keys.time_embedding_type ?? "positional") == "positional", "time_embedding_type is another")
        try file.require((keys.resnet_time_scale_shift ?? "default") == "default", "resnet_time_scale_shift is another")
        try file.require(!(keys.dual_cross_attention ?? false), "dual_cross_attention is set")
        try file.require(!(keys.only_cross_attention ?? false), "only_cross_attention is set")
        try file.require((keys.attention_type ?? "default") == "default", "attention_type is another")

        latentChannels = keys.in_channels ?? 4
        channels = keys.block_out_channels
        residualBlocks = keys.layers_per_block ?? 2
        self.heads = heads
        hasAttention = down.map { $0.hasPrefix("Cross") }
        contextChannels = keys.cross_attention_dim
        normGroups = groups
        normEpsilon = keys.norm_eps ?? 1e-5
        putsCosineFirst = keys.flip_sin_to_cos ?? true
        frequencyShift = keys.freq_shift ?? 0
    }
}
