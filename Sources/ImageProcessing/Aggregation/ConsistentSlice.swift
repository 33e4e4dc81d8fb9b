/// A slice that has been made consistent with its neighbours.
public struct ConsistentSlice: Sendable {
    public let map: Image<Float>
    public let decision: SliceDecision
}

/// What was done to a slice, and why.
public struct SliceDecision: Codable, Hashable, Sendable {
    public enum Rule: String, Codable, CaseIterable, Hashable, Sendable {
        /// It became the mean of its neighbours.
        case replaced
        /// It was averaged with its neighbours.
        case smoothed
        /// It was averaged with its only neighbour.
        case smoothedAtEnd
        /// It has no neighbour and stayed as it was.
        case alone
    }

    /// The place of the slice in the slab, from 0.
    public let index: Int
    public let rule: Rule
    /// SSIM of the slices after and before; nil at an end, and where a value is no number.
    public let neighbourSimilarity: Double?
    /// SSIM of the slice after and this one; nil as above.
    public let sliceSimilarity: Double?

    init(index: Int, rule: Rule, neighbourSimilarity: Double? = nil, sliceSimilarity: Double? = nil) {
        self.index = index
        self.rule = rule
        self.neighbourSimilarity = neighbourSimilarity
        self.sliceSimilarity = sliceSimilarity
    }
}
