/// Points that are added one by one, for searches within one fixed distance: a cell list, as in molecular dynamics.
///
/// Space is divided into cubic cells whose side is that distance, so that all points within it lie in the 27 cells around a
/// place. Where points are not nearer to each other than a part of the distance, a cell has few of them, and the cost of a
/// search does not depend on their number. `PointGrid` in `Metrics` needs all points at once, and searches within any distance.
package struct CellList: Sendable {
    /// The side of a cell: the greatest distance that is searched.
    private let side: Double
    /// The points of each cell that has any, in the order in which they were added.
    private var members: [SIMD3<Int>: [Int]] = [:]

    /// - Parameter distance: the greatest distance that is searched; above 0, in the unit of the coordinates.
    package init(distance: Double) {
        precondition(distance > 0, "points cannot be searched within a distance of \(distance)")
        side = distance
    }

    /// Adds a point, of which later searches give the index.
    ///
    /// - Precondition: the coordinates are finite, and no more than 10¹⁸ times the distance.
    package mutating func add(_ index: Int, at place: SIMD3<Double>) { members[cell(of: place), default: []].append(index) }

    /// The indices of the points in the 27 cells around a place: of all points within the distance, and of some farther ones.
    ///
    /// - Precondition: as for ``add(_:at:)``.
    package func near(_ place: SIMD3<Double>) -> [Int] {
        let center = cell(of: place)
        var result: [Int] = []
        for z in -1...1 {
            for y in -1...1 {
                for x in -1...1 { result += members[center &+ SIMD3(x, y, z)] ?? [] }
            }
        }
        return result
    }

    private func cell(of place: SIMD3<Double>) -> SIMD3<Int> {
        let scaled = (place / side).rounded(.down)
        return SIMD3(Int(scaled.x), Int(scaled.y), Int(scaled.z))
    }
}
