public import Basics
internal import Checkpoints
public import Tensors

/// CLIP's text transformer (Radford et al., *Learning Transferable Visual Models From Natural Language Supervision*, 2021). It
/// turns the 77 ids of a ``Tokenizer`` into the context for the cross-attention of the U-Net.
///
/// The encoder runs once for each prompt. Layers are loaded one after another during a pass and dropped, so it never takes more
/// memory than its largest layer. The context of the empty prompt is a constant of a model: compute it once.
public struct TextEncoder: Sendable {
    /// The architecture.
    public let configuration: TextEncoderConfiguration

    private let weights: DiffusionWeights
    private let path: String

    /// Opens the folder `text_encoder`, and checks names, shapes and types of all tensors.
    ///
    /// - Throws: ``DiffusionError`` if a file is missing or damaged, or weights and config do not belong together.
    public init(folder: String) throws(DiffusionError) {
        let configuration = try TextEncoderConfiguration(file: ConfigurationFile("\(folder)/config.json"))
        let checkpoint: Checkpoint
        do throws(CheckpointError) {
            checkpoint = try Checkpoint(folder: folder, stem: "model", pickledStem: "pytorch_model")
        } catch {
            throw DiffusionError(error)
        }
        try self.init(checkpoint, configuration)
    }

    /// The encoder of an open checkpoint; checks names, shapes and types of all tensors.
    ///
    /// - Throws: ``DiffusionError`` if weights and configuration do not belong together.
    init(_ checkpoint: Checkpoint, _ configuration: TextEncoderConfiguration) throws(DiffusionError) {
        self.configuration = configuration
        path = checkpoint.path
        do throws(CheckpointError) {
            // Files that were made from the text model alone do not have the prefix `text_model.`.
            let root = DiffusionWeights(checkpoint)
            weights = root.has("text_model.final_layer_norm.weight") ? root["text_model"] : root
            try Self.check(checkpoint, configuration)
        } catch {
            throw DiffusionError(error)
        }
    }

    /// The last hidden state after the final layer norm: the context that diffusers gives to the U-Net.
    ///
    /// - Parameter identifiers: 77 ids.
    /// - Returns: `[1, 77, channels]`
    /// - Throws: ``DiffusionError`` if an id has no embedding, or the file became shorter since the encoder was opened.
    /// - Complexity: 77 tokens through 12 layers of 768 channels (Stable Diffusion 1) are 13 GFLOP.
    public func encode(_ identifiers: [Int]) throws(DiffusionError) -> Tensor {
        guard identifiers.count == configuration.length,
            identifiers.allSatisfy({ (0..<configuration.vocabularySize).contains($0) })
        else {
            throw DiffusionError(
                .invalidInput,
                "takes \(configuration.length) ids below \(configuration.vocabularySize): the tokenizer belongs to another model; get both "
                    + "from one place", path: path)
        }
        do throws(CheckpointError) {
            var x = try embed(identifiers)
            for index in 0..<configuration.layers {
                let part = weights["encoder"]["layers"]["\(index)"]
                x = try TextEncoderLayer(part, configuration)(x)
                part.releasePages()
            }
            return try weights["final_layer_norm"].layerNorm(channels: configuration.channels)(x)
        } catch {
            throw DiffusionError(error)
        }
    }

    /// The token embeddings plus the position embeddings, `[1, 77, C]`.
    private func embed(_ identifiers: [Int]) throws(CheckpointError) -> Tensor {
        let channels = configuration.channels
        let part = weights["embeddings"]
        let tokens = try part["token_embedding"].tensor("weight", [configuration.vocabularySize, channels])
        let positions = try part["position_embedding"].tensor("weight", [configuration.length, channels])
        defer { part.releasePages() }
        return tokens.withUnsafeBufferPointer { tokens in
            positions.withUnsafeBufferPointer { positions in
                Tensor(shape: [1, identifiers.count, channels]) { sum in
                    for (position, identifier) in identifiers.enumerated() {
                        for channel in 0..<channels {
                            sum[position * channels + channel] =
                                tokens[identifier * channels + channel] + positions[position * channels + channel]
                        }
                    }
                }
            }
        }
    }
}

extension TextEncoder {
    /// Checks that a checkpoint has exactly the tensors of the architecture, in their shapes. Without this check, the results of
    /// a text encoder with more layers than its config says would be wrong without an error.
    ///
    /// - Throws: ``CheckpointError`` at the first tensor that is missing, of another shape or type, or unknown.
    private static func check(_ checkpoint: Checkpoint, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
        let prefix = checkpoint.entry(named: "text_model.final_layer_norm.weight") == nil ? "" : "text_model."
        let shapes = shapes(configuration)
        for (name, shape) in shapes.sorted(by: { $0.key < $1.key }) {
            try checkpoint.check(prefix + name, expecting: shape)
        }
        // A constant in old files, and tensors of CLIP that the text encoder does not use.
        let ignored = ["\(prefix)embeddings.position_ids", "text_projection.weight", "logit_scale"]
        try checkpoint.checkNames { name in
            ignored.contains(name) || name.hasPrefix(prefix) && shapes[String(name.dropFirst(prefix.count))] != nil
        }
    }

    /// The shapes of all tensors, by their names without the prefix `text_model.`.
    private static func shapes(_ configuration: TextEncoderConfiguration) -> [String: [Int]] {
        let (channels, inner) = (configuration.channels, configuration.innerChannels)
        var shapes = [
            "embeddings.token_embedding.weight": [configuration.vocabularySize, channels],
            "embeddings.position_embedding.weight": [configuration.length, channels],
        ]
        func add(_ name: String, _ weight: [Int]) {
            shapes["\(name).weight"] = weight
            shapes["\(name).bias"] = [weight[0]]
        }
        add("final_layer_norm", [channels])
        for layer in 0..<configuration.layers {
            for name in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                add("encoder.layers.\(layer).self_attn.\(name)", [channels, channels])
            }
            add("encoder.layers.\(layer).layer_norm1", [channels])
            add("encoder.layers.\(layer).layer_norm2", [channels])
            add("encoder.layers.\(layer).mlp.fc1", [inner, channels])
            add("encoder.layers.\(layer).mlp.fc2", [channels, inner])
        }
        return shapes
    }
}

/// One layer of CLIP's text transformer (pre-norm): causal self-attention, then a feed-forward network. Each takes its input
/// through a layer norm, and adds its result to the input.
private struct TextEncoderLayer {
    private let attentionNorm: LayerNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attention: Attention
    private let output: Linear
    private let feedForwardNorm: LayerNorm
    private let expand: Linear
    private let activation: Activation
    private let contract: Linear

    init(_ weights: DiffusionWeights, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
        let channels = configuration.channels
        let inner = configuration.innerChannels
        let attending = weights["self_attn"]
        attentionNorm = try weights["layer_norm1"].layerNorm(channels: channels)
        query = try attending["q_proj"].linear(inputs: channels, outputs: channels)
        key = try attending["k_proj"].linear(inputs: channels, outputs: channels)
        value = try attending["v_proj"].linear(inputs: channels, outputs: channels)
        attention = Attention(heads: configuration.heads, isCausal: true)
        output = try attending["out_proj"].linear(inputs: channels, outputs: channels)
        feedForwardNorm = try weights["layer_norm2"].layerNorm(channels: channels)
        expand = try weights["mlp"]["fc1"].linear(inputs: channels, outputs: inner)
        activation = configuration.usesQuickGELU ? .quickGELU : .gelu
        contract = try weights["mlp"]["fc2"].linear(inputs: inner, outputs: channels)
    }

    /// `[1, n, C]` → `[1, n, C]`
    func callAsFunction(_ x: Tensor) -> Tensor {
        let normed = attentionNorm(x)
        let attended = attention(query: query(normed), key: key(normed), value: value(normed))
        let x = output(attended, addingTo: x)
        return contract(expand(feedForwardNorm(x)).applying(activation), addingTo: x)
    }
}

/// The architecture of a text encoder, from `text_encoder/config.json` (transformers, `CLIPTextModel`).
public struct TextEncoderConfiguration: Sendable, Hashable {
    /// The number of tokens of the vocabulary.
    public let vocabularySize: Int
    /// The channels of a token, and of the context.
    public let channels: Int
    /// The hidden channels of a layer's feed-forward network.
    public let innerChannels: Int
    /// The number of layers.
    public let layers: Int
    /// The number of attention heads.
    public let heads: Int
    /// The number of tokens of a text: always 77.
    public let length: Int
    /// Whether the activation is Quick-GELU, as in Stable Diffusion 1; otherwise GELU, as in 2.
    let usesQuickGELU: Bool
}

extension TextEncoderConfiguration {
    /// The keys of the file. A missing optional key has transformers' default value.
    private struct Keys: Decodable {
        var vocabularySize: Int?
        var hiddenSize: Int
        var intermediateSize: Int
        var hiddenLayers: Int
        var attentionHeads: Int
        var maxPositionEmbeddings: Int?
        var hiddenActivation: String?
        var layerNormEpsilon: Float?

        enum CodingKeys: String, CodingKey {
            case vocabularySize = "vocab_size"
            case hiddenSize = "hidden_size"
            case intermediateSize = "intermediate_size"
            case hiddenLayers = "num_hidden_layers"
            case attentionHeads = "num_attention_heads"
            case maxPositionEmbeddings = "max_position_embeddings"
            case hiddenActivation = "hidden_act"
            case layerNormEpsilon = "layer_norm_eps"
        }
    }

    /// Reads and checks `config.json`.
    ///
    /// - Throws: ``DiffusionError`` if it cannot be read, or describes another kind of network.
    init(file: ConfigurationFile) throws(DiffusionError) {
        let keys = try file.decode(Keys.self)
        let vocabularySize = keys.vocabularySize ?? 49408
        let activation = keys.hiddenActivation ?? "quick_gelu"
        try file.require((1...1_000_000).contains(vocabularySize), "vocab_size is not 1 to 1,000,000")
        try file.require((1...8192).contains(keys.hiddenSize), "hidden_size is not 1 to 8192")
        try file.require((1...65_536).contains(keys.intermediateSize), "intermediate_size is not 1 to 65,536")
        try file.require((1...256).contains(keys.hiddenLayers), "num_hidden_layers is not 1 to 256")
        try file.require(
            (1...1024).contains(keys.attentionHeads) && keys.hiddenSize % keys.attentionHeads == 0,
            "num_attention_heads does not divide hidden_size")
        try file.require(
            keys.maxPositionEmbeddings ?? Tokenizer.length == Tokenizer.length,
            "max_position_embeddings is not \(Tokenizer.length)")
        try file.require(["quick_gelu", "gelu"].contains(activation), "hidden_act is neither quick_gelu nor gelu")
        try file.require((keys.layerNormEpsilon ?? 1e-5) == 1e-5, "layer_norm_eps is not 1e-5")
        self.vocabularySize = vocabularySize
        channels = keys.hiddenSize
        innerChannels = keys.intermediateSize
        layers = keys.hiddenLayers
        heads = keys.attentionHeads
        length = Tokenizer.length
        usesQuickGELU = activation == "quick_gelu"
    }
}
