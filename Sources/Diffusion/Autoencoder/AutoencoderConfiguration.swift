/// The architecture of an autoencoder, as `vae/config.json` gives it (diffusers, `AutoencoderKL`).
public struct AutoencoderConfiguration: Sendable, Hashable {
    public let imageChannels: Int
    public let latentChannels: Int
    /// Channels at each level, from the finest.
    public let channels: [Int]
    public let residualBlocks: Int
    public let normGroups: Int
    /// What latents are multiplied by before the U-Net sees them.
    public let scalingFactor: Float

    /// Pixels of an image to a side of one latent.
    public var sideFactor: Int { 1 << (channels.count - 1) }
}

extension AutoencoderConfiguration {
    private struct Keys: Decodable {
        var in_channels: Int?
        var latent_channels: Int?
        var block_out_channels: [Int]
        var layers_per_block: Int?
        var norm_num_groups: Int?
        var scaling_factor: Float?
        var shift_factor: Float?
        var act_fn: String?
        var down_block_types: [String]
        var use_quant_conv: Bool?
        var mid_block_add_attention: Bool?
    }

    /// Reads and checks `config.json`.
    ///
    /// - Throws: ``DiffusionError`` where it cannot be read, or describes another kind of network.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let levels = keys.block_out_channels.count
        let groups = keys.norm_num_groups ?? 32
        try file.require(
            (2...6).contains(levels) && keys.block_out_channels.allSatisfy { (1...8192).contains($0) },
            "block_out_channels are not two to six numbers up to 8192")
        try file.require(
            (1...128).contains(groups) && keys.block_out_channels.allSatisfy { $0 % groups == 0 },
            "norm_num_groups does not divide each of block_out_channels")
        try file.require((1...8).contains(keys.layers_per_block ?? 2), "layers_per_block is not 1 to 8")
        try file.require((keys.in_channels ?? 3) == 3, "in_channels is not 3")
        try file.require((1...64).contains(keys.latent_channels ?? 4), "latent_channels is not 1 to 64")
        try file.require(
            keys.down_block_types.count == levels && keys.down_block_types.allSatisfy { $0 == "DownEncoderBlock2D" },
            "down_block_types are not DownEncoderBlock2D, one for each of block_out_channels")
        try file.require((keys.act_fn ?? "silu") == "silu", "act_fn is not silu")
        try file.require((keys.shift_factor ?? 0) == 0, "shift_factor is set, as in Stable Diffusion 3")
        try file.require(keys.use_quant_conv ?? true, "use_quant_conv is off")
        try file.require(keys.mid_block_add_attention ?? true, "mid_block_add_attention is off")
        imageChannels = 3
        latentChannels = keys.latent_channels ?? 4
        channels = keys.block_out_channels
        residualBlocks = keys.layers_per_block ?? 2
        normGroups = groups
        scalingFactor = keys.scaling_factor ?? 0.18215
        try file.require(scalingFactor.isFinite && scalingFactor > 0, "scaling_factor is not above 0")
    }
}
