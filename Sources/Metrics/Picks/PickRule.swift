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
