import Basics
import Tensors

/// Ice that grew on the surfaces of the lamella: bumpy blobs in the vacuum, 40-160 nm in diameter, denser than the cell.
///
/// They are imaged with the gold, not with the cell: their contrast would dominate the variance of the signal.
struct IceBlobs {
    /// The radii, in Å.
    private static let radii = 200.0...800
    /// The densities relative to water; crystals scatter more than vitreous ice.
    private static let densities = 0.8...2.5

    private var blobs: [(surface: ClosedSurface, density: Double)] = []

    /// Places blobs at random on both surfaces; they may overlap.
    init(perSquareMicrometer density: Double, on lamella: SimulatedLamella, seed: UInt64, grid: SimulationGrid) {
        var random = RandomStream(seed: seed, .ice)
        let region = grid.region
        let size = (region.upper - region.lower) * 1e-4
        for _ in 0..<random.poisson(density * size.x * size.y) {
            var center = random.point(in: region)
            let extent = lamella.extent(xInAngstroms: center.x, yInAngstroms: center.y)
            let radius = random.uniform(Self.radii)
            let outwards = random.uniform(-0.2...0.6) * radius
            center.z = random.unit() < 0.5 ? extent.lowerBound - outwards : extent.upperBound + outwards
            let surface = ClosedSurface(
                center: center, axis: random.direction(), halfLength: random.uniform(0...0.5) * radius, radius: radius,
                deformation: 0.12, random: &random)
            blobs.append((surface, random.uniform(Self.densities)))
        }
    }

    var isEmpty: Bool { blobs.isEmpty }

    /// Labels the blobs on the canvas, as far as they lie in the vacuum, and adds their density there to a separate volume.
    ///
    /// - Parameter density: a volume with the size of the canvas's grid.
    func draw(labels canvas: inout SimulationCanvas, density: inout FourierVolume) {
        let grid = canvas.grid
        for (surface, ice) in blobs {
            grid.forEachVoxel(within: surface.reach, of: surface.center, slices: 0..<grid.z) { z, y, x in
                let voxel = (z * grid.y + y) * grid.x + x
                guard canvas.compartments[voxel] == Compartment.vacuum.rawValue,
                    canvas.labels[voxel] != SimulationClass.ice.rawValue,
                    surface.signedDistance(at: grid.position(x: x, y: y, z: z)) <= 0
                else { return true }
                canvas.labels[voxel] = SimulationClass.ice.rawValue
                density.values[(z * grid.y + y) * density.rowStride + x] += Float(ice - Density.vacuum)
                return true
            }
        }
    }
}
