public import Tensors

/// Watches a pass through a U-Net.
public protocol UNetObserver: AnyObject {
    /// Shown the queries and keys of each self-attention layer, `[N, tokens, channels]`, heads side by side; where several latents
    /// pass at once, of some of them at a time.
    ///
    /// - Returns: what the layer's affinity is to be added to; nil where nobody asks for it.
    func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator?

    /// Shown what each block gives, after its down- or upsampler: `down_blocks.0`, `mid_block`, `up_blocks.3`;
    /// `[N, height, width, channels]`.
    func block(_ name: String, _ output: Tensor)
}

extension UNetObserver {
    public func attention(_ layer: AttentionLayer, query: Tensor, key: Tensor) -> AffinityAccumulator? { nil }
    public func block(_ name: String, _ output: Tensor) {}
}

/// How far a pass goes.
public enum UNetExtent: Sendable, Hashable {
    /// Up to the queries and keys of the last self-attention: nothing behind them matters to affinities.
    case lastAttention
    /// Up to a block: `up_blocks.1`.
    case block(String)
    /// To the end: the noise.
    case noise
}
