/// The two surfaces of a lamella over the columns of a grid, tabulated.
struct LamellaSurfaces: Sendable {
    private let bottom: [Float]
    private let top: [Float]
    private let grid: SimulationGrid

    init(_ lamella: SimulatedLamella, grid: SimulationGrid) {
        self.grid = grid
        var bottom: [Float] = []
        var top: [Float] = []
        bottom.reserveCapacity(grid.x * grid.y)
        top.reserveCapacity(grid.x * grid.y)
        for y in 0..<grid.y {
            for x in 0..<grid.x {
                let column = grid.position(x: x, y: y, z: 0)
                let extent = lamella.extent(xInAngstroms: column.x, yInAngstroms: column.y)
                bottom.append(Float(extent.lowerBound))
                top.append(Float(extent.upperBound))
            }
        }
        self.bottom = bottom
        self.top = top
    }

    /// The least height of the lower surface, in Å.
    var lowest: Double { bottom.min().map(Double.init) ?? 0 }

    /// The greatest height of the upper surface, in Å.
    var highest: Double { top.max().map(Double.init) ?? 0 }

    /// How far the centre of a voxel lies below the nearer surface, in Å along z; negative in the vacuum.
    @inline(__always)
    func depth(x: Int, y: Int, z: Int) -> Float {
        let column = y * grid.x + x
        let height = Float(Double(z - grid.marginZ) * grid.voxelSize)
        return min(height - bottom[column], top[column] - height)
    }

    /// The part of a voxel, along z, that is inside.
    @inline(__always)
    func coverage(x: Int, y: Int, z: Int) -> Float {
        min(1, max(0, 0.5 + depth(x: x, y: y, z: z) / Float(grid.voxelSize)))
    }
}
