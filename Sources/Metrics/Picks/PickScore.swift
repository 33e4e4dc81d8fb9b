/// How picks compare with the truth, by a rule.
public struct PickScore: Hashable, Codable, Sendable {
    /// A pick that is right, and the truth that makes it so.
    public struct Pair: Hashable, Codable, Sendable {
        /// Their places among the picks and among the truths.
        public let pick: Int
        public let truth: Int
        public let distanceInAngstroms: Double
    }

    public let rule: PickRule
    /// Picks that are right, picks that are not, truths that no pick found.
    public let truePositives: Int
    public let falsePositives: Int
    public let falseNegatives: Int
    /// Truths that were found: as many as picks that are right, but for ``PickRule/insideBall(radiusInAngstroms:)``.
    public let foundTruths: Int
    /// The pairs behind the counts.
    public let pairs: [Pair]

    /// The part of the picks that is right; nil without picks.
    public var precision: Double? { ratio(truePositives, truePositives + falsePositives) }

    /// The part of the truths that was found; nil without truths.
    public var recall: Double? { ratio(foundTruths, foundTruths + falseNegatives) }

    /// The harmonic mean of precision and recall; 0 where only picks or only truths are missing, nil where both are.
    public var f1: Double? { fBeta(1) }

    /// The harmonic mean of precision and recall, recall β times as important; nil and 0 as for ``f1``.
    public func fBeta(_ beta: Double) -> Double? { harmonicMean(precision, recall, beta: beta) }

    /// The mean distance of the pairs; nil where there is none.
    public var meanDistanceInAngstroms: Double? {
        pairs.isEmpty ? nil : pairs.reduce(0) { $0 + $1.distanceInAngstroms } / Double(pairs.count)
    }
}
