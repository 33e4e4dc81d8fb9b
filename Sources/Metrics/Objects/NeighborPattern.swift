public import Basics

/// How near points of a kind lie to one another, beside complete spatial randomness: the distribution G(r) of distances to the nearest
/// other point, with the envelope of as many points drawn at random in the same regions.
///
/// Regions are added one by one, and neighbours are of one region. Edges need no correction, since what is drawn at random has the
/// same ones. Source: P. Diggle, *Statistical Analysis of Spatial Point Patterns* (1983), chapter 2; the envelope is that of
/// B. Ripley, *Modelling spatial patterns*, J. R. Stat. Soc. B 39 (1977).
public struct NeighborPattern: Sendable {
    /// How often points are drawn at random: the least and the greatest of 99 leave out 2 % of what chance does at a distance.
    public static let draws = 99

    /// The distributions at some distances.
    public struct Curves: Sendable {
        /// The distances r, ascending from 0, in the unit of the coordinates.
        public let distances: [Double]
        /// G(r): the part of the points whose nearest other point is not farther than r.
        public let found: [Double]
        /// The mean of G(r) over what was drawn at random, the least, and the greatest.
        public let random: (mean: [Double], least: [Double], greatest: [Double])
    }

    private var found: [Double] = []
    private var random = [[Double]](repeating: [], count: draws)

    /// A pattern without a point.
    public init() {}

    /// How many points have a neighbour.
    public var count: Int { found.count }

    /// Adds a region.
    ///
    /// - Parameters:
    ///   - points: that lie in it. A single one has no neighbour, and adds nothing.
    ///   - drawn: ``draws`` times as many points at random.
    /// - Throws: ``MetricsError`` where there are fewer or more, or a coordinate is not finite.
    public mutating func add(_ points: [SIMD3<Double>], drawn: [SIMD3<Double>]) throws(MetricsError) {
        guard drawn.count == points.count * Self.draws else {
            throw MetricsError(
                .invalidInput, "\(drawn.count) random points are no \(Self.draws) draws of \(points.count); draw as many")
        }
        guard points.count > 1 else { return }
        let distances = try Self.distances(points)
        for draw in 0..<Self.draws {
            random[draw] += try Self.distances(Array(drawn[draw * points.count..<(draw + 1) * points.count]))
        }
        found += distances
    }

    private static func distances(_ points: [SIMD3<Double>]) throws(MetricsError) -> [Double] {
        try NearestNeighbors.nearest(among: points).map { $0?.distance ?? 0 }
    }

    /// The mean distance to the nearest other point, over that of points at random: below 1 where points cluster, above where they
    /// keep apart. nil without points. Source: P. Clark, F. Evans, *Distance to nearest neighbor as a measure of spatial
    /// relationships in populations*, Ecology 35 (1954), with the regions' own expectation.
    public var clustering: Double? {
        let expected = random.reduce(0) { $0 + $1.reduce(0, +) } / Double(max(1, random.reduce(0) { $0 + $1.count }))
        return found.isEmpty || expected <= 0 ? nil : found.reduce(0, +) / Double(found.count) / expected
    }

    /// How probable a mean distance is under randomness that is as far from its middle as the one that was found, on either side: by
    /// its rank among the draws, at least 0.02. nil without points.
    public var probability: Double? {
        guard !found.isEmpty else { return nil }
        let own = found.reduce(0, +)
        let sums = random.map { $0.reduce(0, +) }
        let (below, above) = (sums.count { $0 <= own }, sums.count { $0 >= own })
        return min(1, 2 * Double(min(below, above) + 1) / Double(Self.draws + 1))
    }

    /// The distributions at equally spaced distances, from 0 to where nearly all points have their neighbour; nil without points.
    ///
    /// - Complexity: sorts all distances.
    public func curves(steps: Int = 100) -> Curves? {
        guard !found.isEmpty, steps > 0 else { return nil }
        let own = found.sorted()
        let draws = random.map { $0.sorted() }
        // 99 % of the points at random, and of those found.
        let rank = own.count * 99 / 100
        let reach = max(own[min(rank, own.count - 1)], draws.map { $0[min(rank, $0.count - 1)] }.reduce(0, max)) * 1.05
        let distances = (0...steps).map { reach * Double($0) / Double(steps) }
        func parts(_ sorted: [Double]) -> [Double] {
            var index = 0
            return distances.map { distance in
                while index < sorted.count, sorted[index] <= distance { index += 1 }
                return Double(index) / Double(sorted.count)
            }
        }
        let all = draws.map(parts)
        func each(_ body: ([Double]) -> Double) -> [Double] { distances.indices.map { index in body(all.map { $0[index] }) } }
        return Curves(
            distances: distances, found: parts(own),
            random: (
                each { $0.reduce(0, +) / Double($0.count) }, each { $0.min() ?? 0 }, each { $0.max() ?? 0 }
            ))
    }
}
