import Checkpoints
import Tensors

/// The transformer block of a U-Net over the tokens of a grid: self-attention, cross-attention to a text, and a gated
/// feed-forward network. Each adds its result to its input, as does the whole block.
struct SpatialTransformer: Sendable {
    private let norm: GroupNorm
    private let projectionIn: Linear
    private let norm1: LayerNorm
    private let selfAttention: AttentionProjections
    private let norm2: LayerNorm
    private let crossAttention: AttentionProjections
    private let norm3: LayerNorm
    private let widen: Linear
    private let narrow: Linear
    private let projectionOut: Linear

    init(
        _ weights: DiffusionWeights, channels: Int, heads: Int, contextChannels: Int, groups: Int
    ) throws(CheckpointError) {
        let block = weights["transformer_blocks.0"]
        norm = try weights["norm"].groupNorm(channels: channels, groups: groups, epsilon: 1e-6)
        projectionIn = try weights["proj_in"].linear(inputs: channels, outputs: channels)
        norm1 = try block["norm1"].layerNorm(channels: channels)
        selfAttention = try AttentionProjections(block["attn1"], channels: channels, contextChannels: channels, heads: heads)
        norm2 = try block["norm2"].layerNorm(channels: channels)
        crossAttention = try AttentionProjections(
            block["attn2"], channels: channels, contextChannels: contextChannels, heads: heads)
        norm3 = try block["norm3"].layerNorm(channels: channels)
        widen = try block["ff.net.0.proj"].linear(inputs: channels, outputs: 8 * channels)
        narrow = try block["ff.net.2"].linear(inputs: 4 * channels, outputs: channels)
        projectionOut = try weights["proj_out"].linear(inputs: channels, outputs: channels)
    }

    /// - Parameters:
    ///   - x: `[N, height, width, C]`
    ///   - context: `[1, m, contextChannels]`, the same for every image
    ///   - endsThere: whether to stop after the queries and keys of the self-attention, and its affinity.
    ///   - observe: gets the queries and keys of the self-attention, `[N, tokens, C]`. If it returns a sum, the attention
    ///     matrices are added to it.
    /// - Returns: `[N, height, width, C]`; nil if `endsThere`.
    func callAsFunction(
        _ x: Tensor, context: Tensor, endsThere: Bool, observe: (_ query: Tensor, _ key: Tensor) -> AffinityAccumulator?
    ) -> Tensor? {
        let (images, channels) = (x.shape[0], x.shape[3])
        let tokens = x.shape[1] * x.shape[2]
        var hidden = projectionIn(norm(x)).reshaped([images, tokens, channels])

        let normed = norm1(hidden)
        let (query, key) = (selfAttention.query(normed), selfAttention.key(normed))
        let affinity = observe(query, key)
        if endsThere {
            if let affinity { selfAttention.attention.affinity(query: query, key: key, into: affinity) }
            return nil
        }
        hidden = selfAttention.output(
            selfAttention.attention(
                query: query, key: key, value: selfAttention.value(normed), accumulatingInto: affinity),
            addingTo: hidden)

        // All images have the same context, so their tokens can be the queries of one attention.
        let row = [1, images * tokens, channels]
        hidden = crossAttention.output(
            crossAttention.attention(
                query: crossAttention.query(norm2(hidden)).reshaped(row), key: crossAttention.key(context),
                value: crossAttention.value(context)
            ).reshaped([images, tokens, channels]),
            addingTo: hidden)

        hidden = narrow(widen.gatedGELU(norm3(hidden)), addingTo: hidden)
        return projectionOut(hidden.reshaped(x.shape), addingTo: x)
    }
}

/// An attention with its linear layers, without biases for queries, keys and values.
private struct AttentionProjections: Sendable {
    let attention: Attention
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear

    init(_ weights: DiffusionWeights, channels: Int, contextChannels: Int, heads: Int) throws(CheckpointError) {
        attention = Attention(heads: heads, arithmetic: weights.arithmetic)
        query = try weights["to_q"].linear(inputs: channels, outputs: channels, hasBias: false)
        key = try weights["to_k"].linear(inputs: contextChannels, outputs: channels, hasBias: false)
        value = try weights["to_v"].linear(inputs: contextChannels, outputs: channels, hasBias: false)
        output = try weights["to_out.0"].linear(inputs: channels, outputs: channels)
    }
}
