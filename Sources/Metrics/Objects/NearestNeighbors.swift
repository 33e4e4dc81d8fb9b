public import Basics

/// Nearest-neighbour search among points (x, y, z). Distances have the unit of the coordinates.
public enum NearestNeighbors {
    /// A neighbour of a point.
    public struct Neighbor: Hashable, Sendable {
        /// The index of the neighbour in the list of points.
        public let index: Int
        /// The distance to it, in the unit of the coordinates.
        public let distance: Double
    }

    /// For each point the nearest other point; nil for a single point. Of equally near points it is the first. Two points at the
    /// same position are neighbours at distance 0.
    ///
    /// - Throws: ``MetricsError`` where a coordinate is not finite, or beyond 10¹².
    /// - Complexity: linear where points are distributed evenly.
    public static func nearest(among points: [SIMD3<Double>]) throws(MetricsError) -> [Neighbor?] {
        try points.check("point")
        let grid = PointGrid(points)
        return points.indices.map {
            grid.nearest(to: points[$0], except: $0).map { Neighbor(index: $0.point, distance: $0.distance) }
        }
    }

    /// For each of `points` the nearest of `others`; nil where `others` is empty. Of equally near points it is the first.
    ///
    /// - Throws: ``MetricsError`` where a coordinate is not finite, or beyond 10¹².
    /// - Complexity: linear where points are distributed evenly.
    public static func nearest(from points: [SIMD3<Double>], to others: [SIMD3<Double>]) throws(MetricsError) -> [Neighbor?] {
        try points.check("point")
        try others.check("point")
        let grid = PointGrid(others)
        return points.map { grid.nearest(to: $0).map { Neighbor(index: $0.point, distance: $0.distance) } }
    }
}

/// Points sorted into the cubic cells of a grid, for searches that visit only nearby cells.
struct PointGrid: Sendable {
    private let points: [SIMD3<Double>]
    private let origin: SIMD3<Double>
    private let side: Double
    private let cells: SIMD3<Int>
    /// For each cell the index of its first point in ``members``; the last entry is the number of points.
    private var starts: [Int]
    /// The indices of the points, cell by cell.
    private var members: [Int]

    /// - Parameters:
    ///   - points: points with finite coordinates.
    ///   - radius: the distance of later searches, if known. It is the side of a cell, unless there would be many more cells
    ///     than points.
    init(_ points: [SIMD3<Double>], radius: Double = 0) {
        self.points = points
        let lower = points.reduce(points.first ?? .zero, pointwiseMin)
        let extent = points.reduce(lower, pointwiseMax) - lower
        origin = lower
        // At most about two cells for each point, also where all points lie in a plane or on a line.
        let most = Double(2 * points.count + 64)
        var side = max(radius, extent.max() / 1024, 1e-6)
        func count(_ side: Double) -> SIMD3<Double> { (extent / side).rounded(.down) + 1 }
        func total(_ side: Double) -> Double { count(side).x * count(side).y * count(side).z }
        while total(side) > most { side *= 1.25 }
        self.side = side
        let counts = count(side)
        let cells = SIMD3(Int(counts.x), Int(counts.y), Int(counts.z))
        self.cells = cells
        let numbers = points.map { point -> Int in
            let cell = (point - lower) / side
            let (x, y, z) = (min(Int(cell.x), cells.x - 1), min(Int(cell.y), cells.y - 1), min(Int(cell.z), cells.z - 1))
            return (z * cells.y + y) * cells.x + x
        }
        starts = [Int](repeating: 0, count: cells.x * cells.y * cells.z + 1)
        for number in numbers { starts[number + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        var places = starts
        members = [Int](repeating: 0, count: points.count)
        for (point, number) in numbers.enumerated() {
            members[places[number]] = point
            places[number] += 1
        }
    }

    /// Calls `body` with each point at a distance of at most `radius` and its squared distance, in no particular order.
    func forEach(within radius: Double, of place: SIMD3<Double>, _ body: (_ point: Int, _ squared: Double) -> Void) {
        guard let (lower, upper) = box(around: place, radius) else { return }
        for z in lower.z...upper.z {
            for y in lower.y...upper.y {
                let row = (z * cells.y + y) * cells.x
                for member in starts[row + lower.x]..<starts[row + upper.x + 1] {
                    let offset = points[members[member]] - place
                    let squared = (offset * offset).sum()
                    if squared <= radius * radius { body(members[member], squared) }
                }
            }
        }
    }

    /// The nearest point to a place and its distance, of equally near points the first; nil where there is none.
    ///
    /// - Parameter other: the index of a point to ignore.
    func nearest(to place: SIMD3<Double>, except other: Int? = nil) -> (point: Int, distance: Double)? {
        guard points.count > (other == nil ? 0 : 1) else { return nil }
        // A radius that contains all points.
        let corner = origin + SIMD3<Double>(cells) * side
        let far: SIMD3<Double> = pointwiseMax(magnitude(origin - place), magnitude(corner - place))
        let most = (far * far).sum().squareRoot() * 1.001 + side
        var radius = side / 2
        while true {
            var best: (point: Int, squared: Double)?
            forEach(within: radius, of: place) { point, squared in
                guard point != other else { return }
                if let found = best, (found.squared, found.point) < (squared, point) { return }
                best = (point, squared)
            }
            if let best { return (best.point, best.squared.squareRoot()) }
            guard radius < most else { return nil }
            radius = min(radius * 2, most)
        }
    }

    /// The first and the last cell, along x, y and z, that a ball around a place can touch; nil where it touches none.
    private func box(around place: SIMD3<Double>, _ radius: Double) -> (SIMD3<Int>, SIMD3<Int>)? {
        guard !points.isEmpty else { return nil }
        var (lower, upper) = (SIMD3<Int>.zero, SIMD3<Int>.zero)
        for axis in 0..<3 {
            // The margin keeps points at the border of a cell in spite of rounding.
            let first = ((place[axis] - radius - origin[axis]) / side - 1e-6).rounded(.down)
            let last = ((place[axis] + radius - origin[axis]) / side + 1e-6).rounded(.down)
            let end = Double(cells[axis] - 1)
            guard last >= 0, first <= end + 1 else { return nil }
            lower[axis] = Int(min(max(first, 0), end))
            upper[axis] = Int(min(max(last, 0), end))
        }
        return (lower, upper)
    }
}

private func magnitude(_ vector: SIMD3<Double>) -> SIMD3<Double> { pointwiseMax(vector, -vector) }

extension [SIMD3<Double>] {
    /// Checks that all coordinates are finite and at most 10¹².
    ///
    /// - Parameter name: the kind of point, for the message.
    /// - Throws: ``MetricsError`` where one is not.
    func check(_ name: String) throws(MetricsError) {
        let most = 1e12
        if let index = firstIndex(where: { point in !(0..<3).allSatisfy { abs(point[$0]) <= most } }) {
            throw MetricsError(
                .invalidInput,
                "\(name) \(index) lies at (\(self[index].x), \(self[index].y), \(self[index].z)) Å, which is no place in a "
                    + "tomogram; leave it out"
            )
        }
    }
}
