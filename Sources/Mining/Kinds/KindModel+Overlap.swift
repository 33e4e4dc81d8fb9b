extension KindModel {
    /// The same components, of which those that overlap are one kind: a kind need not be normal, and a mixture gives it several components.
    ///
    /// Of two kinds the pair is joined of which the greatest part of one would be taken for the other, and again until no such part is greater than
    /// `most` (C. Hennig, *Methods for merging Gaussian mixture components*, 2010, section 4.4: directly estimated misclassification probabilities). Two
    /// round kinds of one size stay two from 4.1 standard deviations on, where `most` is 2 %.
    ///
    /// - Parameters:
    ///   - points: to which the mixture was fitted.
    ///   - most: 0 to 1.
    /// - Complexity: O(n k² + k⁴) for n points and k components.
    func joiningOverlaps(of points: [[Double]], most: Double) -> KindModel {
        let count = numbers.count
        // Of the points that are taken for each component and each pair: Σ p over points, by the component to which p belongs. A join changes which
        // component a point is taken for, so that points are visited again.
        var density = mixture.density
        let parts = points.map { point in
            _ = density.visit(point)
            return density.parts
        }
        var groups = (0..<count).map { [$0] }
        while groups.count > 1 {
            var taken = [[Double]](repeating: [Double](repeating: 0, count: groups.count), count: groups.count)
            var masses = [Double](repeating: 0, count: groups.count)
            var sums = masses
            for part in parts {
                for (group, components) in groups.enumerated() { sums[group] = components.reduce(0) { $0 + part[$1 + 1] } }
                for group in groups.indices { masses[group] += sums[group] }
                guard let best = sums.indices.max(by: { (sums[$0], $1) < (sums[$1], $0) }), sums[best] >= part[0] else {
                    continue
                }
                for group in groups.indices { taken[best][group] += sums[group] }
            }
            var widest = (overlap: most, first: 0, second: 0)
            for second in groups.indices {
                for first in 0..<second {
                    let overlap = max(
                        masses[first] > 0 ? taken[second][first] / masses[first] : 0,
                        masses[second] > 0 ? taken[first][second] / masses[second] : 0)
                    if overlap > widest.overlap { widest = (overlap, first, second) }
                }
            }
            guard widest.first != widest.second else { break }
            groups[widest.first] += groups.remove(at: widest.second)
        }
        var names: [Int: Int] = [:]
        for (place, group) in groups.enumerated() { for component in group { names[numbers[component]] = place + 1 } }
        return renumbered(names)
    }

    /// The kind of each point of the axes; 0 for none.
    func kinds(of points: [[Double]]) -> [Int] {
        var density = mixture.density
        return points.map { point in
            _ = density.visit(point)
            return assignment(of: density.parts).kind
        }
    }
}
