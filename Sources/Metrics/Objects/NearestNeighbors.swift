/// The nearest other point of each.
public enum NearestNeighbors {
    /// One of the points, by its place in the list, and how far it is, in the points' unit.
    public struct Neighbor: Hashable, Sendable {
        public let index: Int
        public let distance: Double
    }

    /// For each point the nearest other one, at distance 0 where two are at one place; nil for a point that is alone. Of equally near
    /// ones it is the first.
    ///
    /// - Throws: ``MetricsError`` where a coordinate is not finite.
    /// - Complexity: linear where points are spread evenly.
    public static func nearest(among points: [SIMD3<Double>]) throws(MetricsError) -> [Neighbor?] {
        try points.check("point")
        let grid = PointGrid(points)
        return points.indices.map {
            grid.nearest(to: points[$0], except: $0).map { Neighbor(index: $0.point, distance: $0.distance) }
        }
    }

    /// For each point the nearest of others; nil where there are none.
    ///
    /// - Throws: ``MetricsError`` where a coordinate is not finite.
    public static func nearest(from points: [SIMD3<Double>], to others: [SIMD3<Double>]) throws(MetricsError) -> [Neighbor?] {
        try points.check("point")
        try others.check("point")
        let grid = PointGrid(others)
        return points.map { grid.nearest(to: $0).map { Neighbor(index: $0.point, distance: $0.distance) } }
    }
}
