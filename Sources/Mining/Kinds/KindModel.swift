public import Basics

/// What the kinds of particles look like, so that any particle can be given one: found once, and the same for all that come later.
public struct KindModel: Codable, Hashable, Sendable {
    /// The kind of a particle.
    public struct Assignment: Hashable, Sendable {
        /// From 1; 0 where it is unlike all kinds.
        public let kind: Int
        /// How probable that is, 0 to 1.
        public let certainty: Double
    }

    let axes: PrincipalAxes
    private(set) var mixture: NormalMixture
    /// The number of the kind that each component of the mixture belongs to: kinds that were merged have several.
    public private(set) var numbers: [Int]

    init(axes: PrincipalAxes, mixture: NormalMixture) {
        (self.axes, self.mixture) = (axes, mixture)
        numbers = Array(1...max(mixture.means.count, 1))
    }

    /// The number of components of a descriptor.
    public var dimension: Int { axes.mean.count }

    /// The kinds that there are, ascending.
    public var kinds: [Int] { Set(numbers).sorted() }

    /// Whether its parts fit one another, so that a particle can be asked for: what a file may break.
    public var isSound: Bool {
        let side = axes.axes.count
        let numbersAreFinite =
            (axes.mean + axes.axes.flatMap(\.self) + mixture.means.flatMap(\.self) + mixture.weights + mixture.inverseFactor
            + mixture.backgroundMean + mixture.backgroundVariances + [mixture.backgroundWeight, mixture.logDeterminant])
            .allSatisfy(\.isFinite)
        return side >= 1 && !mixture.means.isEmpty && axes.axes.allSatisfy { $0.count == dimension }
            && mixture.means.allSatisfy { $0.count == side } && mixture.weights.count == mixture.means.count
            && numbers.count == mixture.means.count && numbers.allSatisfy { $0 >= 1 } && mixture.backgroundWeight > 0
            && mixture.inverseFactor.count == side * side && mixture.backgroundMean.count == side
            && mixture.backgroundVariances.count == side && mixture.backgroundVariances.allSatisfy { $0 > 0 } && numbersAreFinite
    }

    /// The kind of a particle, and how sure that is. What is NaN or infinite is unlike all, with the certainty 0.
    ///
    /// - Parameter row: its standardised descriptor.
    /// - Throws: ``MiningError`` where the row has another number of components.
    /// - Complexity: O(d · axes + kinds · axes²): microseconds.
    public func assign(_ row: ArraySlice<Float>) throws(MiningError) -> Assignment {
        guard row.count == dimension else { throw .row(row.count, of: dimension) }
        var density = mixture.density
        return assign(row, by: &density)
    }

    private func assign(_ row: ArraySlice<Float>, by density: inout MixtureDensity) -> Assignment {
        guard row.allSatisfy(\.isFinite) else { return Assignment(kind: 0, certainty: 0) }
        _ = density.visit(axes(row))
        return assignment(of: density.parts)
    }

    /// The kind with the greatest sum of the probabilities of its components.
    ///
    /// - Parameter parts: of no component, and of each.
    func assignment(of parts: [Double]) -> Assignment {
        var sums: [Int: Double] = [0: parts[0]]
        for (number, part) in zip(numbers, parts.dropFirst()) { sums[number, default: 0] += part }
        let best = sums.max { ($0.value, $1.key) < ($1.value, $0.key) }
        return Assignment(kind: best?.key ?? 0, certainty: min(max(best?.value ?? 0, 0), 1))
    }

    /// The kinds of rows that stand one after the other.
    ///
    /// - Throws: ``MiningError`` where the number of values is no multiple of the dimension.
    public func assign(rows: [Float]) throws(MiningError) -> [Assignment] {
        guard dimension > 0, rows.count.isMultiple(of: dimension) else {
            throw .row(rows.count % max(dimension, 1), of: dimension)
        }
        var assignments: [Assignment] = []
        assignments.reserveCapacity(rows.count / dimension)
        var density = mixture.density
        for first in stride(from: 0, to: rows.count, by: dimension) {
            assignments.append(assign(rows[first..<first + dimension], by: &density))
        }
        return assignments
    }

    /// The same kinds under other numbers.
    ///
    /// - Parameter names: the new number of each, from 1; one that is not named keeps its own.
    public func renumbered(_ names: [Int: Int]) -> KindModel {
        var model = self
        model.numbers = numbers.map { names[$0] ?? $0 }
        return model
    }

    /// The kinds by the number of points, the most first.
    func numberedBySize(_ points: [[Double]]) -> KindModel {
        var sizes = Dictionary(uniqueKeysWithValues: kinds.map { ($0, 0) })
        for kind in kinds(of: points) { sizes[kind]? += 1 }
        let order = sizes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return renumbered(Dictionary(uniqueKeysWithValues: order.enumerated().map { ($1.key, $0 + 1) }))
    }

    /// A model in which a kind is two: the least of what was merged comes apart again; else its rows are taken apart by a mixture of two.
    ///
    /// - Parameters:
    ///   - kind: which.
    ///   - rows: of particles of the collection, as for ``assign(rows:)``; those of this kind count.
    ///   - number: that of the smaller half; the larger one keeps that of the kind.
    /// - Throws: ``MiningError`` where there is no such kind, or it has fewer than ``KindFinder/leastRows`` rows, or they do not come apart.
    public func splitting(_ kind: Int, rows: [Float], number: Int, seed: UInt64 = 0) throws(MiningError) -> KindModel {
        guard numbers.contains(kind) else {
            throw .parameter(
                "the kind to split", "\(kind)", mustBe: "one of \(kinds.map(String.init).joined(separator: ", "))")
        }
        var model = self
        let own = numbers.indices.filter { numbers[$0] == kind }.sorted { mixture.weights[$0] > mixture.weights[$1] }
        guard let component = own.first, let least = own.last else { return self }
        if own.count > 1 {
            model.numbers[least] = number
            return model
        }
        var points: [[Double]] = []
        for (index, assignment) in try assign(rows: rows).enumerated() where assignment.kind == kind {
            points.append(axes(rows[index * dimension..<(index + 1) * dimension]))
        }
        guard points.count >= KindFinder.leastRows else {
            throw MiningError(
                .tooFew, "kind \(kind) has \(points.count) particles, too few to split; it takes \(KindFinder.leastRows) or more")
        }
        var random = RandomStream(seed: seed, purpose: 4)
        guard let halves = NormalMixture(points, count: 2, starts: 12, random: &random), halves.means.count == 2 else {
            throw MiningError(.tooFew, "the particles of kind \(kind) do not come apart; keep it as it is")
        }
        let (large, small) = halves.weights[0] >= halves.weights[1] ? (0, 1) : (1, 0)
        let part = halves.weights[large] / (halves.weights[large] + halves.weights[small])
        model.mixture = mixture.splitting(component, into: halves.means[large], halves.means[small], part: part)
        model.numbers.append(number)
        return model
    }
}
