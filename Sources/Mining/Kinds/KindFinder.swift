public import Basics
internal import Foundation
internal import Tensors

/// Finds how many kinds of particles there are, and which: a mixture of normal distributions on the principal axes of their descriptors.
///
/// The mixture has as many components as the information criterion says; those that overlap are one kind (``mostOverlap``), since no kind is quite normal.
/// So the number of kinds is that of what is apart. How well two random halves of the rows agree is measured beside, and chooses nothing: halves of a
/// hundred particles agree in little that is true, and agree in groups that are cut the same way each time (S. Ben-David, U. von Luxburg, D. Pál, *A sober
/// look at clustering stability*, 2006).
public struct KindFinder: Sendable {
    /// The most components that a mixture has, and so the most kinds.
    public var most = 12
    /// The most principal axes that are used.
    public var axes = 8
    /// The greatest part of a kind that would be taken for another one: with more, the two are one.
    public var mostOverlap = 0.02
    /// Of random starts and halves.
    public var seed: UInt64 = 0

    /// The fewest rows among which kinds are looked for.
    public static let leastRows = 20
    /// The pairs of halves.
    private static let pairs = 4
    private static let starts = 4
    /// Of more rows, as many are drawn to choose the number, and to fit.
    private static let (drawnToChoose, drawnToFit) = (4000, 20_000)

    /// What a number of components was worth.
    public struct Trial: Codable, Hashable, Sendable {
        /// The number of components.
        public let count: Int
        /// The number of kinds that they are; nil in a file of before kinds had several.
        public let kinds: Int?
        /// The mean agreement (adjusted Rand) of kinds that were found in two halves, 1 for one component.
        public let stability: Double
        /// Of the mixture of all rows; less is better.
        public let informationCriterion: Double
    }

    public init() {}

    /// Finds kinds, numbered from 1 by the number of rows that they have.
    ///
    /// - Parameters:
    ///   - rows: `[particle][component]`, standardised, one after the other.
    ///   - dimension: the number of components.
    /// - Returns: the model, and what each number of components was worth.
    /// - Throws: ``MiningError`` with fewer than ``leastRows`` rows, where they are all the same, or one is NaN or infinite.
    /// - Complexity: linear in the rows; the choice of the number takes at most 4,000 of them, the fit 20,000. On as many threads as there are.
    public func find(_ rows: [Float], dimension: Int) throws(MiningError) -> (model: KindModel, trials: [Trial]) {
        let count = rows.count / max(dimension, 1)
        guard count >= Self.leastRows else {
            throw MiningError(
                .tooFew,
                "\(count) particles are too few to find kinds among; describe \(Self.leastRows) or more")
        }
        let axes = try PrincipalAxes(of: rows, dimension: dimension, most: axes)
        guard !axes.axes.isEmpty else {
            throw MiningError(.tooFew, "all particles have the same descriptor; describe others to find kinds among")
        }
        let points = Self.drawn(count, Self.drawnToFit, seed).map { axes(rows[$0 * dimension..<($0 + 1) * dimension]) }
        let some = Array(points.prefix(Self.drawnToChoose))
        let counts = 1...max(1, min(most, some.count / 10))
        // Each number and half has a stream of its own, so that threads change nothing.
        let halves = (0..<Self.pairs).map { pair in
            var random = RandomStream(seed: seed, purpose: 1, piece: pair)
            let order = some.indices.shuffled(using: &random)
            return (order.prefix(some.count / 2).map { some[$0] }, order.dropFirst(some.count / 2).map { some[$0] })
        }
        let each = 2 * Self.pairs + 1
        let fits = Self.computed(counts.count * each) { index -> KindModel? in
            let (number, part) = (index / each + 1, index % each)
            var random = RandomStream(seed: seed, purpose: 2, piece: index)
            let own = part == 0 ? some : part.isMultiple(of: 2) ? halves[(part - 1) / 2].1 : halves[(part - 1) / 2].0
            guard number == 1 && part > 0 else { return fitted(own, count: number, axes, random: &random) }
            return nil
        }
        let trials = Self.computed(counts.count) { index -> Trial? in
            guard let whole = fits[index * each] else { return nil }
            let agreements = (0..<Self.pairs).compactMap { pair -> Double? in
                guard let a = fits[index * each + 1 + 2 * pair], let b = fits[index * each + 2 + 2 * pair] else { return nil }
                return PartitionAgreement.adjustedRand(a.kinds(of: some), b.kinds(of: some))
            }
            return Trial(
                count: index + 1, kinds: whole.kinds.count,
                stability: index == 0 ? 1 : agreements.isEmpty ? 0 : agreements.reduce(0, +) / Double(agreements.count),
                informationCriterion: whole.mixture.informationCriterion)
        }.compactMap(\.self)
        let chosen = trials.min { $0.informationCriterion < $1.informationCriterion }?.count ?? 1
        var random = RandomStream(seed: seed, purpose: 3)
        guard let model = fitted(points, count: chosen, axes, random: &random) else {
            throw MiningError(.tooFew, "all particles have the same descriptor; describe others to find kinds among")
        }
        return (model.numberedBySize(points), trials)
    }

    /// A mixture, with components that overlap as one kind; nil where the points have no covariance.
    private func fitted(_ points: [[Double]], count: Int, _ axes: PrincipalAxes, random: inout RandomStream) -> KindModel? {
        NormalMixture(points, count: count, starts: Self.starts, random: &random).map {
            KindModel(axes: axes, mixture: $0).joiningOverlaps(of: points, most: mostOverlap)
        }
    }

    /// Numbers below `count` in a random order, at most `most` of them.
    private static func drawn(_ count: Int, _ most: Int, _ seed: UInt64) -> [Int] {
        var random = RandomStream(seed: seed)
        return Array((0..<count).shuffled(using: &random).prefix(most))
    }

    /// The results of a parallel loop, in order.
    private static func computed<Result: Sendable>(_ count: Int, _ body: (Int) -> Result?) -> [Result?] {
        var results = [Result?](repeating: nil, count: count)
        results.withUnsafeMutableBufferPointer { buffer in
            nonisolated(unsafe) let place = buffer
            Threads.perform(count) { place[$0] = body($0) }
        }
        return results
    }
}
