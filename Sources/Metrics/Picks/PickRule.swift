public import Basics

/// The rule that decides whether a pick is right.
///
/// An F1 of picks has no meaning without its rule and radius; ``description`` gives both. Picks at the same position count
/// separately: rules that form pairs accept only one of them.
public enum PickRule: Hashable, Codable, Sendable {
    /// Each pick, in descending order of score, is paired with the nearest truth within the radius that has no pick yet. The
    /// rule of DeePiCt (I. de Teresa-Trueba et al., *Nature Methods* 20 (2023)), there with 10 voxels of 13.48 Å.
    case greedy(radiusInAngstroms: Double)
    /// A pick is right if a truth is within the radius, and a truth is found if a pick is within the radius. Several picks may
    /// be right for one truth. The rule of DeepETPicker (G. Liu et al., *Nature Communications* 15 (2024)).
    case insideBall(radiusInAngstroms: Double)
    /// The largest possible number of one-to-one pairs of a pick and a truth within the radius, and of such pairings the one
    /// with the least sum of distances.
    case oneToOne(radiusInAngstroms: Double)
    /// A truth is found if a pick is within half of the particle's radius, and the number of right picks is that of found truths.
    /// The rule of the CZII challenge of 2024, whose score is ``CZIIScore``. Where balls overlap, one pick can find several
    /// truths, and the number of right picks can exceed that of picks.
    case czii(particleRadiusInAngstroms: Double)

    /// The greatest distance between a pick and its truth, in Å.
    public var radiusInAngstroms: Double {
        switch self {
        case .greedy(let radius), .insideBall(let radius), .oneToOne(let radius): radius
        case .czii(let radius): radius / 2
        }
    }

    /// Compares picks with the truth.
    ///
    /// Without picks or truths there are no pairs; precision is nil without picks, recall without truths.
    ///
    /// - Parameters:
    ///   - picks: the picks.
    ///   - truth: the true centres (x, y, z) in Å.
    /// - Throws: ``MetricsError`` where a coordinate is not finite or beyond 10¹² Å, a score is NaN, or the radius is not
    ///   positive and below 10⁹ Å.
    /// - Complexity: about n log n in the picks. `oneToOne` searches a shortest path for each pick, which is short unless many
    ///   picks compete for few truths.
    public func score(_ picks: [Pick], truth: [SIMD3<Double>]) throws(MetricsError) -> PickScore {
        guard radiusInAngstroms > 0, radiusInAngstroms < 1e9 else {
            throw .parameter("the radius of “\(self)”", radiusInAngstroms, mustBe: "positive and below 10⁹ Å")
        }
        try picks.check()
        try truth.check("truth")
        let pairs =
            switch self {
            case .greedy: greedyPairs(picks, truth)
            case .insideBall: nearestPairs(picks, truth)
            case .oneToOne:
                PickAssignment(candidates(picks, truth), truths: truth.count).pairs
            case .czii: foundPairs(picks, truth)
            }
        // With `insideBall` a truth may be found by a pick that is nearer to another truth.
        let found =
            if case .insideBall = self {
                Set(candidates(picks, truth).joined().map(\.truth)).count
            } else {
                pairs.count
            }
        return PickScore(
            rule: self, truePositives: pairs.count, falsePositives: picks.count - pairs.count,
            falseNegatives: truth.count - found,
            foundTruths: found, pairs: pairs)
    }

    /// For each pick the truths within the radius and their distances in Å, the nearest first.
    private func candidates(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [[(truth: Int, distance: Double)]] {
        let grid = PointGrid(truth, radius: radiusInAngstroms)
        return picks.map { pick in
            var near: [(truth: Int, distance: Double)] = []
            grid.forEach(within: radiusInAngstroms, of: pick.center) { near.append(($0, $1.squareRoot())) }
            return near.sorted { ($0.distance, $0.truth) < ($1.distance, $1.truth) }
        }
    }

    /// Pairs each pick, in descending order of score, with the nearest free truth.
    private func greedyPairs(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [PickScore.Pair] {
        let candidates = candidates(picks, truth)
        var isFree = [Bool](repeating: true, count: truth.count)
        return picks.byScore.compactMap { pick in
            guard let nearest = candidates[pick].first(where: { isFree[$0.truth] }) else { return nil }
            isFree[nearest.truth] = false
            return PickScore.Pair(pick: pick, truth: nearest.truth, distanceInAngstroms: nearest.distance)
        }
    }

    /// Pairs each pick with its nearest truth.
    private func nearestPairs(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [PickScore.Pair] {
        candidates(picks, truth).enumerated().compactMap { pick, near in
            near.first.map { PickScore.Pair(pick: pick, truth: $0.truth, distanceInAngstroms: $0.distance) }
        }
    }

    /// Pairs each truth with its nearest pick.
    private func foundPairs(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [PickScore.Pair] {
        let grid = PointGrid(picks.map(\.center), radius: radiusInAngstroms)
        return truth.indices.compactMap { index in
            var best: (pick: Int, squared: Double)?
            grid.forEach(within: radiusInAngstroms, of: truth[index]) { pick, squared in
                if let found = best, (found.squared, found.pick) < (squared, pick) { return }
                best = (pick, squared)
            }
            return best.map { PickScore.Pair(pick: $0.pick, truth: index, distanceInAngstroms: $0.squared.squareRoot()) }
        }
    }
}

extension PickRule: CustomStringConvertible {
    /// The rule and its radius: “one to one, within 95 Å”.
    public var description: String {
        let radius = "\((radiusInAngstroms * 10).rounded() / 10)"
        let number = radius.hasSuffix(".0") ? String(radius.dropLast(2)) : radius
        return switch self {
        case .greedy: "greedy by score, within \(number) Å"
        case .insideBall: "inside a ball of \(number) Å"
        case .oneToOne: "one to one, within \(number) Å"
        case .czii: "half of the particle's radius, \(number) Å"
        }
    }
}

/// A picked particle.
public struct Pick: Hashable, Codable, Sendable {
    /// The centre (x, y, z) in Å.
    public var center: SIMD3<Double>
    /// The confidence of the picker; higher is more certain.
    public var score: Double

    /// - Parameters:
    ///   - center: the centre (x, y, z) in Å.
    ///   - score: the confidence; higher is more certain.
    public init(center: SIMD3<Double>, score: Double = 1) {
        self.center = center
        self.score = score
    }
}

extension [Pick] {
    /// Checks coordinates and scores.
    ///
    /// - Throws: ``MetricsError`` where a coordinate is not finite or beyond 10¹² Å, or a score is NaN.
    fileprivate func check() throws(MetricsError) {
        try map(\.center).check("pick")
        if let index = firstIndex(where: { $0.score.isNaN }) {
            throw MetricsError(.invalidInput, "the score of pick \(index) is no number; give it one, or leave the pick out")
        }
    }

    /// The indices of the picks in descending order of score; of equal scores the earlier one first.
    fileprivate var byScore: [Int] { indices.sorted { (self[$1].score, $0) < (self[$0].score, $1) } }
}

/// The result of comparing picks with the truth by a ``PickRule``.
public struct PickScore: Hashable, Codable, Sendable {
    /// A right pick and its truth.
    public struct Pair: Hashable, Codable, Sendable {
        /// The index of the pick.
        public let pick: Int
        /// The index of the truth.
        public let truth: Int
        /// The distance between them in Å.
        public let distanceInAngstroms: Double
    }

    /// The rule that decided which picks are right.
    public let rule: PickRule
    /// The number of right picks.
    public let truePositives: Int
    /// The number of wrong picks: all picks minus right ones. ``PickRule/czii(particleRadiusInAngstroms:)`` may make it negative.
    public let falsePositives: Int
    /// The number of truths that no pick found.
    public let falseNegatives: Int
    /// The number of truths that were found. It equals that of right picks, except for
    /// ``PickRule/insideBall(radiusInAngstroms:)``.
    public let foundTruths: Int
    /// The pairs that were counted.
    public let pairs: [Pair]

    /// The fraction of the picks that are right; nil without picks.
    public var precision: Double? { ratio(truePositives, truePositives + falsePositives) }

    /// The fraction of the truths that were found; nil without truths.
    public var recall: Double? { ratio(foundTruths, foundTruths + falseNegatives) }

    /// F1, the harmonic mean of precision and recall; 0 where only picks or only truths are missing, nil where both are.
    public var f1: Double? { fBeta(1) }

    /// F-beta, (1 + β²) P R / (β² P + R) of precision P and recall R; nil and 0 as for ``f1``.
    public func fBeta(_ beta: Double) -> Double? { harmonicMean(precision, recall, beta: beta) }

    /// The mean distance of the pairs in Å; nil without pairs.
    public var meanDistanceInAngstroms: Double? {
        pairs.isEmpty ? nil : pairs.reduce(0) { $0 + $1.distanceInAngstroms } / Double(pairs.count)
    }
}
