import Basics
import Tensors

/// Gold beads on the two surfaces of a lamella; their centres lie on the surface.
///
/// Their density is a separate volume: in the density of the cell their strong contrast would dominate the variance of the
/// signal, by which the noise is scaled.
struct GoldBeads {
    /// The radius of a bead, in Å.
    static let radius = 50.0

    private let centers: [Point]

    /// Places beads at random on both surfaces, where no filament or particle is.
    init(perSquareMicrometer density: Double, on lamella: SimulatedLamella, seed: UInt64, canvas: inout SimulationCanvas) {
        var random = RandomStream(seed: seed, .gold)
        let region = canvas.grid.region
        let size = (region.upper - region.lower) * 1e-4
        var centers: [Point] = []
        for _ in 0..<random.poisson(density * size.x * size.y) {
            var center = random.point(in: region)
            let extent = lamella.extent(xInAngstroms: center.x, yInAngstroms: center.y)
            center.z = random.unit() < 0.5 ? extent.lowerBound : extent.upperBound
            guard canvas.isUntaken(within: Self.radius, of: center) else { continue }
            canvas.occupy(within: Self.radius, of: center)
            centers.append(center)
        }
        self.centers = centers
    }

    var isEmpty: Bool { centers.isEmpty }

    /// The beads whose centres lie in the tomogram.
    func particles(in grid: SimulationGrid) -> [SimulatedParticle] {
        centers.filter(grid.tomogramRegion.contains).map {
            SimulatedParticle(.gold, at: $0, radius: Self.radius, orientation: .identity)
        }
    }

    /// Labels the beads on the canvas, and adds their density to a separate volume.
    ///
    /// - Parameter density: a volume with the size of the canvas's grid.
    func draw(labels canvas: inout SimulationCanvas, density: inout FourierVolume) {
        let grid = canvas.grid
        for center in centers {
            grid.forEachVoxel(within: Self.radius + grid.voxelSize, of: center, slices: 0..<grid.z) { z, y, x in
                let depth = Self.radius - (grid.position(x: x, y: y, z: z) - center).length
                let coverage = min(1, max(0, 0.5 + depth / grid.voxelSize))
                density.values[(z * grid.y + y) * density.rowStride + x] += Float(coverage * Density.gold)
                if depth >= 0 { canvas.labels[(z * grid.y + y) * grid.x + x] = SimulationClass.gold.rawValue }
                return true
            }
        }
    }
}
