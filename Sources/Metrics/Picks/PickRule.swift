public import Basics

/// When a pick is right.
///
/// No F1 of picks means anything without its rule and radius: ``description`` says both. Picks at the same place are picks of
/// their own: rules that pair call all but one of them false.
public enum PickRule: Hashable, Codable, Sendable {
    /// Each pick, in falling order of score, takes the nearest truth that is still free and at most so far. The rule of DeePiCt
    /// (I. de Teresa-Trueba et al., *Nature Methods* 20 (2023)), there with 10 voxels of 13.48 Å.
    case greedy(radiusInAngstroms: Double)
    /// A pick is right if it lies in the ball around a truth, a truth is found if a pick lies in its ball; several picks may
    /// lie in one. The rule of DeepETPicker (G. Liu et al., *Nature Communications* 15 (2024)).
    case insideBall(radiusInAngstroms: Double)
    /// As many pairs of a pick and a truth at most so far from one another as there can be, and of such pairings the one with
    /// the least sum of distances.
    case oneToOne(radiusInAngstroms: Double)
    /// A truth is found if a pick is within half of the particle's radius; as many picks are right as truths are found. The
    /// rule of the CZII challenge of 2024, whose score is ``CZIIScore``. Where balls overlap, one pick can find several truths,
    /// and then more picks can be right than there are.
    case czii(particleRadiusInAngstroms: Double)

    /// How far a pick may be from a truth, in Å.
    public var radiusInAngstroms: Double {
        switch self {
        case .greedy(let radius), .insideBall(let radius), .oneToOne(let radius): radius
        case .czii(let radius): radius / 2
        }
    }

    /// Compares picks with the truth, both in Å.
    ///
    /// Without picks or truths there are no pairs; precision is nil without picks, recall without truths.
    ///
    /// - Throws: ``MetricsError`` where a coordinate is not finite, a score no number, or the radius not positive and finite.
    /// - Complexity: near picks × log picks; `oneToOne` searches a shortest path for each pick, which is short unless many picks
    ///   compete for few truths.
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
        // A truth may be found by a pick that is nearer to another.
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

    /// For each pick the truths within the radius, and their distances.
    private func candidates(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [[(truth: Int, distance: Double)]] {
        let grid = PointGrid(truth, radius: radiusInAngstroms)
        return picks.map { pick in
            var near: [(truth: Int, distance: Double)] = []
            grid.forEach(within: radiusInAngstroms, of: pick.center) { near.append(($0, $1.squareRoot())) }
            return near.sorted { ($0.distance, $0.truth) < ($1.distance, $1.truth) }
        }
    }

    private func greedyPairs(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [PickScore.Pair] {
        let candidates = candidates(picks, truth)
        var isFree = [Bool](repeating: true, count: truth.count)
        return picks.byScore.compactMap { pick in
            guard let nearest = candidates[pick].first(where: { isFree[$0.truth] }) else { return nil }
            isFree[nearest.truth] = false
            return PickScore.Pair(pick: pick, truth: nearest.truth, distanceInAngstroms: nearest.distance)
        }
    }

    /// Each pick with its nearest truth.
    private func nearestPairs(_ picks: [Pick], _ truth: [SIMD3<Double>]) -> [PickScore.Pair] {
        candidates(picks, truth).enumerated().compactMap { pick, near in
            near.first.map { PickScore.Pair(pick: pick, truth: $0.truth, distanceInAngstroms: $0.distance) }
        }
    }

    /// Each truth with its nearest pick.
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

/// A particle that was picked.
public struct Pick: Hashable, Codable, Sendable {
    /// Its centre (x, y, z) in Å.
    public var center: SIMD3<Double>
    /// How sure the picker is: the higher, the surer.
    public var score: Double

    public init(center: SIMD3<Double>, score: Double = 1) {
        self.center = center
        self.score = score
    }
}

extension [Pick] {
    /// - Throws: ``MetricsError`` where a coordinate is not finite, or a score no number.
    func check() throws(MetricsError) {
        try map(\.center).check("pick")
        if let index = firstIndex(where: { $0.score.isNaN }) {
            throw MetricsError(.invalidInput, "the score of pick \(index) is no number; give it one, or leave the pick out")
        }
    }

    /// The picks' indices in falling order of score; of equal scores the earlier one first.
    var byScore: [Int] { indices.sorted { (self[$1].score, $0) < (self[$0].score, $1) } }
}

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
