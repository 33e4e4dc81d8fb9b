public import Basics

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

/// Points sorted into cubic cells, so that those near a place are found without looking at the others.
struct PointGrid: Sendable {
    private let points: [SIMD3<Double>]
    private let origin: SIMD3<Double>
    private let side: Double
    private let cells: SIMD3<Int>
    /// For each cell the first of its points in `members`, and at last their number.
    private var starts: [Int]
    private var members: [Int]

    /// - Parameters:
    ///   - points: finite ones.
    /// - radius: how far will be looked, if that is known; cells are as large, unless there were then many more of them than
    /// points.
    init(_ points: [SIMD3<Double>], radius: Double = 0) {
        self.points = points
        let lower = points.reduce(points.first ?? .zero, pointwiseMin)
        let extent = points.reduce(lower, pointwiseMax) - lower
        origin = lower
        // About a point a cell: in a volume, or where all points are in a plane or on a line.
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

    /// Calls the body with each point at most `radius` from a place, and with its squared distance; in no particular order.
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

    /// The nearest point to a place, and its distance; of equally near ones the first. Nil where there is none.
    ///
    /// - Parameter other: a point that does not count.
    func nearest(to place: SIMD3<Double>, except other: Int? = nil) -> (point: Int, distance: Double)? {
        guard points.count > (other == nil ? 0 : 1) else { return nil }
        // What surely reaches all points.
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

    private func box(around place: SIMD3<Double>, _ radius: Double) -> (SIMD3<Int>, SIMD3<Int>)? {
        guard !points.isEmpty else { return nil }
        var (lower, upper) = (SIMD3<Int>.zero, SIMD3<Int>.zero)
        for axis in 0..<3 {
            // Rounding must not lose a point at the border of a cell.
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

extension SIMD3<Double> {
    fileprivate init(_ other: SIMD3<Int>) { self.init(Double(other.x), Double(other.y), Double(other.z)) }
}

extension [SIMD3<Double>] {
    /// - Throws: ``MetricsError`` where a coordinate is not finite, or too large for any tomogram.
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
