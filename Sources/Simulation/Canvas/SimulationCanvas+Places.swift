extension SimulationCanvas {
    /// Half of a voxel's diagonal: balls that are tested and marked this much wider than they are cannot meet unnoticed.
    private var slack: Double { 0.5 * 3.0.squareRoot() * grid.voxelSize }

    /// The compartment at a point, or nil outside of the grid and in voxels that are taken.
    func freeCompartment(at point: Point) -> Compartment? {
        voxel(at: point).flatMap { Compartment(rawValue: compartments[$0]) }
    }

    /// The compartment at a point, or nil outside of the grid.
    func compartment(at point: Point) -> Compartment? {
        voxel(at: point).flatMap { Compartment(rawValue: compartments[$0] & ~Self.occupied) }
    }

    private func voxel(at point: Point) -> Int? {
        let index = grid.index(of: point).rounded(.toNearestOrAwayFromZero)
        guard index.x >= 0, index.y >= 0, index.z >= 0, index.x < Double(grid.x), index.y < Double(grid.y),
            index.z < Double(grid.z)
        else { return nil }
        return (Int(index.z) * grid.y + Int(index.y)) * grid.x + Int(index.x)
    }

    /// Whether all of a ball, as far as it lies in the grid, is in this compartment, off its membranes, and not taken.
    func isFree(_ compartment: Compartment, within radius: Double, of point: Point) -> Bool {
        var isFree = true
        compartments.withUnsafeBufferPointer { compartments in
            labels.withUnsafeBufferPointer { labels in
                grid.forEachVoxel(within: radius + slack, of: point, slices: 0..<grid.z) { z, y, x in
                    let index = (z * grid.y + y) * grid.x + x
                    isFree = compartments[index] == compartment.rawValue && labels[index] != SimulationClass.membrane.rawValue
                    return isFree
                }
            }
        }
        return isFree
    }

    /// Whether no filament or particle is in a ball.
    func isUntaken(within radius: Double, of point: Point) -> Bool {
        var isUntaken = true
        grid.forEachVoxel(within: radius + slack, of: point, slices: 0..<grid.z) { z, y, x in
            isUntaken = compartments[(z * grid.y + y) * grid.x + x] & Self.occupied == 0
            return isUntaken
        }
        return isUntaken
    }

    /// Takes the voxels of a ball.
    mutating func occupy(within radius: Double, of point: Point) {
        let grid = grid
        let slack = slack
        compartments.withUnsafeMutableBufferPointer { compartments in
            grid.forEachVoxel(within: radius + slack, of: point, slices: 0..<grid.z) { z, y, x in
                compartments[(z * grid.y + y) * grid.x + x] |= Self.occupied
                return true
            }
        }
    }
}
