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

    /// The decision in one sentence.
    public var explanation: String {
        func short(_ number: Double?) -> String { number.map { "\(($0 * 10_000).rounded() / 10_000)" } ?? "unknown" }
        let compared =
            "the slices around it are similar by \(short(neighbourSimilarity)), it and the next one by \(short(sliceSimilarity))"
        return switch rule {
        case .replaced: "became the mean of its neighbours: \(compared)"
        case .smoothed: "averaged with its neighbours: \(compared)"
        case .smoothedAtEnd: "averaged with its only neighbour, at the end of the slab"
        case .alone: "left as it is, the slab's only slice"
        }
    }
}
