/// What ``GreedyMerge`` makes of several maps.
public struct MergedMap: Sendable {
    /// In 0 … 1, of the size of the maps.
    public let map: Image<Float>
    public let log: MergeLog
}

/// Which maps were merged, and why.
public struct MergeLog: Codable, Hashable, Sendable {
    /// The index of the base among the maps.
    public let base: Int
    /// The diversity score of the base alone.
    public let baseDiversity: Double
    /// The contours of the base alone.
    public let baseContours: Int
    /// The diversity score of the result.
    public let finalDiversity: Double
    /// The contours of the result.
    public let finalContours: Int
    /// One for each map but the base, in the order in which they were taken.
    public let decisions: [MergeDecision]

    /// The indices of the maps in the result: the base, then those merged into it.
    public var mergedMaps: [Int] { [base] + decisions.filter { $0.outcome == .merged }.map(\.map) }
}

/// Whether a map was merged, and what was decided from.
public struct MergeDecision: Codable, Hashable, Sendable {
    /// What became of the map: the first condition that it did not meet.
    public enum Outcome: String, Codable, CaseIterable, Hashable, Sendable {
        case merged, dissimilar, diversityDoesNotRise, contoursRise
    }

    /// The index of the map among the maps.
    public let map: Int
    /// The diversity score of the map alone.
    public let ownDiversity: Double
    /// Its similarity to the base, and the least that was asked for.
    public let similarity: Double
    public let threshold: Double
    /// The diversity score of what had been merged before, and with this map.
    public let diversityBefore: Double
    public let diversityAfter: Double
    /// The contours of what had been merged before, and with this map.
    public let contoursBefore: Int
    public let contoursAfter: Int
    public let outcome: Outcome

    init(
        map: Int, ownDiversity: Double, similarity: Double, threshold: Double, diversityBefore: Double, diversityAfter: Double,
        contoursBefore: Int, contoursAfter: Int
    ) {
        self.map = map
        self.ownDiversity = ownDiversity
        self.similarity = similarity
        self.threshold = threshold
        self.diversityBefore = diversityBefore
        self.diversityAfter = diversityAfter
        self.contoursBefore = contoursBefore
        self.contoursAfter = contoursAfter
        // A similarity that is no number is none.
        outcome =
            !(similarity >= threshold)
            ? .dissimilar
            : diversityAfter <= diversityBefore ? .diversityDoesNotRise : contoursAfter > contoursBefore ? .contoursRise : .merged
    }

    /// The decision in one sentence.
    public var explanation: String {
        let outcome =
            switch outcome {
            case .merged: "merged"
            case .dissimilar: "left out, not similar to the base"
            case .diversityDoesNotRise: "left out, the diversity would not rise"
            case .contoursRise: "left out, there would be more contours"
            }
        func short(_ number: Double) -> String {
            guard number.isFinite else { return "\(number)" }
            return "\((number * 10_000).rounded() / 10_000)"
        }
        return "map \(map) \(outcome): similarity \(short(similarity)) (at least \(short(threshold))), "
            + "diversity \(short(diversityBefore)) → \(short(diversityAfter)), contours \(contoursBefore) → \(contoursAfter)"
    }
}
