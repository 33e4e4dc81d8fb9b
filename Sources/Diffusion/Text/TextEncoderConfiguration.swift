/// The architecture of a text encoder, as `text_encoder/config.json` gives it (transformers, `CLIPTextModel`).
public struct TextEncoderConfiguration: Sendable, Hashable {
    /// How many tokens there are.
    public let vocabularySize: Int
    /// Channels of a token: the context's.
    public let channels: Int
    /// Channels inside a layer's feed-forward part.
    public let innerChannels: Int
    public let layers: Int
    public let heads: Int
    /// The longest text, in tokens.
    public let length: Int
    /// Quick-GELU in Stable Diffusion 1, GELU in 2.
    let usesQuickGELU: Bool

    private struct Keys: Decodable {
        var vocab_size: Int?
        var hidden_size: Int
        var intermediate_size: Int
        var num_hidden_layers: Int
        var num_attention_heads: Int
        var max_position_embeddings: Int?
        var hidden_act: String?
        var layer_norm_eps: Float?
    }

    /// Reads and checks `config.json`.
    ///
    /// - Throws: ``DiffusionError`` where it cannot be read, or describes another kind of network.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let vocabularySize = keys.vocab_size ?? 49408
        let activation = keys.hidden_act ?? "quick_gelu"
        try file.require((1...1_000_000).contains(vocabularySize), "vocab_size is not 1 to 1,000,000")
        try file.require((1...8192).contains(keys.hidden_size), "hidden_size is not 1 to 8192")
        try file.require((1...65_536).contains(keys.intermediate_size), "intermediate_size is not 1 to 65,536")
        try file.require((1...256).contains(keys.num_hidden_layers), "num_hidden_layers is not 1 to 256")
        try file.require(
            (1...1024).contains(keys.num_attention_heads) && keys.hidden_size % keys.num_attention_heads == 0,
            "num_attention_heads does not divide hidden_size")
        try file.require(
            keys.max_position_embeddings ?? Tokenizer.length == Tokenizer.length,
            "max_position_embeddings is not \(Tokenizer.length)")
        try file.require(["quick_gelu", "gelu"].contains(activation), "hidden_act is neither quick_gelu nor gelu")
        try file.require((keys.layer_norm_eps ?? 1e-5) == 1e-5, "layer_norm_eps is not 1e-5")
        self.vocabularySize = vocabularySize
        channels = keys.hidden_size
        innerChannels = keys.intermediate_size
        layers = keys.num_hidden_layers
        heads = keys.num_attention_heads
        length = Tokenizer.length
        usesQuickGELU = activation == "quick_gelu"
    }
}
