internal import Checkpoints
internal import Tensors

/// One layer of CLIP's text transformer: causal self-attention and a feed-forward part, each on what a layer norm gives, each
/// added to what came in.
struct TextEncoderLayer {
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

    init(_ weights: NetworkWeights, _ configuration: TextEncoderConfiguration) throws(CheckpointError) {
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
