/// One of the self-attention layers of a U-Net: where it stands.
public struct AttentionLayer: Sendable, Hashable {
    /// The part of the network.
    public enum Group: String, Sendable, Hashable, CaseIterable {
        case encoder, middle, decoder
    }

    /// The name of its transformer, as diffusers gives it: `down_blocks.0.attentions.1`.
    public let name: String
    public let group: Group
    /// By how much its grid is smaller than the latent's, as power of two: 0 for 64², 3 for 8².
    public let level: Int
    public let channels: Int
    public let heads: Int
}
