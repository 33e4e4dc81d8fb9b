import Basics
import Foundation

/// The single proteins that crowd a cell; they are the texture of the background and have no label.
///
/// Masses are log-normal with a median of 40 kDa, clamped to 10...400 kDa. A protein of M Da is a ball of radius 0.66 M^⅓ Å
/// (H. Erickson, *Biol. Proced. Online* 11:32, 2009); it is drawn as a Gaussian with the mass of that ball and the density of
/// protein at its centre.
struct Crowding {
    private static let medianMass = 40_000.0
    private static let spread = 0.8
    private static let masses = 10_000.0...400_000.0
    /// The concentration of proteins in the voxels of a bilayer of density one, relative to the cytosol.
    private static let inMembranes = 3.0
    /// The highest concentration anywhere, relative to the cytosol: proteins are drawn at this one, and thinned out elsewhere.
    private static let densest = 3.0

    /// Proteins per µm³ in the cytosol.
    private let number: Double
    /// The concentration in the voxels of a bilayer, relative to the cytosol.
    private let inMembranes: Double
    private let grid: SimulationGrid
    private let field: Region
    private let seed: UInt64

    /// The number of proteins per µm³ at a concentration in mg/ml: one mg/ml is 10⁻¹⁵ g/µm³.
    static func number(at concentration: Double) -> Double {
        let meanMass = medianMass * exp(spread * spread / 2)
        return concentration * 6.022e23 / meanMass * 1e-15
    }

    init(concentration: Double, membraneDensity: Double, field: Region, grid: SimulationGrid, seed: UInt64) {
        number = Self.number(at: concentration)
        inMembranes = min(Self.densest, Self.inMembranes * membraneDensity)
        self.grid = grid
        self.field = field
        self.seed = seed
    }

    /// The reach of the largest blob, in Å.
    private var reach: Double { blob(mass: Self.masses.upperBound, at: .zero).reach }

    /// The blob of a protein of a mass in Da, averaged over voxels.
    private func blob(mass: Double, at center: Point) -> GaussianBlob {
        let radius = 0.66 * pow(mass, 1 / 3)
        // (2π)^(3/2) σ³ = 4/3 π r³.
        let sigma = radius * pow(4 / 3 * Double.pi, 1 / 3) / (2 * Double.pi).squareRoot()
        return GaussianBlob(center: center, sigma: sigma, peak: Density.protein).averaged(overVoxelSize: grid.voxelSize)
    }

    /// Adds to a band the density of all proteins that reach into it. The proteins of each layer (the slices of one band) come
    /// from the layer's own random stream, so that bands can be drawn in any order.
    func draw(in band: SimulationCanvas.Band) {
        let height = SimulationCanvas.bandHeight
        let neighbours = Int((reach / grid.voxelSize / Double(height)).rounded(.up))
        let own = band.slices.lowerBound / height
        for layer in own - neighbours...own + neighbours {
            let slices = (layer * height..<layer * height + height).clamped(to: 0..<grid.z)
            guard !slices.isEmpty else { continue }
            drawLayer(layer, slices, in: band)
        }
    }

    /// Draws the proteins of one layer, as far as they reach into the band.
    private func drawLayer(_ layer: Int, _ slices: Range<Int>, in band: SimulationCanvas.Band) {
        var random = RandomStream(seed: seed, .crowding, piece: layer)
        var region = grid.region
        region.lower.z = grid.position(x: 0, y: 0, z: slices.lowerBound).z - grid.voxelSize / 2
        region.upper.z = grid.position(x: 0, y: 0, z: slices.upperBound).z - grid.voxelSize / 2
        guard region.upper.z > field.lower.z, region.lower.z < field.upper.z else { return }
        for _ in 0..<random.poisson(number * Self.densest * region.volumeInCubicMicrometers) {
            let center = random.point(in: region)
            let drawn = Self.medianMass * exp(Self.spread * random.normal())
            let mass = min(max(drawn, Self.masses.lowerBound), Self.masses.upperBound)
            let chance = random.unit() * Self.densest
            guard chance < band.crowding(at: center, inMembranes) else { continue }
            band.add(blob(mass: mass, at: center))
        }
    }
}

extension SimulationCanvas.Band {
    /// The concentration of proteins at a point of the grid, relative to the cytosol; zero inside particles.
    fileprivate func crowding(at point: Point, _ inMembranes: Double) -> Double {
        let index = grid.index(of: point).rounded(.toNearestOrAwayFromZero)
        let voxel = row(Int(index.z), Int(index.y)) + Int(index.x)
        if labels[voxel] == SimulationClass.membrane.rawValue { return inMembranes }
        return Compartment(rawValue: compartments[voxel])?.crowding ?? 0
    }
}
