import Basics
import Foundation

/// A space that membranes enclose. It decides which particles are placed there and how dense its proteins are.
enum Compartment: UInt8, Sendable {
    case cytosol = 0
    /// The inside of vesicles and cisternae, and the space between two membranes: few proteins.
    case lumen
    /// The matrix of a mitochondrion: many proteins.
    case matrix
    case nucleus
    /// The space outside the cell.
    case exterior
    /// The space outside the lamella.
    case vacuum

    /// The concentration of single proteins relative to the cytosol.
    var crowding: Double {
        switch self {
        case .cytosol: 1
        case .lumen: 0.3
        case .matrix: 1.7
        case .nucleus: 0.9
        case .exterior: 0.15
        case .vacuum: 0
        }
    }
}

/// A shape of one or two bilayers, defined by the signed distance of a point from them.
protocol Membrane: Sendable {
    /// A box that contains the shape; for a sheet, the part of it in the field.
    var region: Region { get }

    /// Points on the outermost bilayer, at most about 20 nm apart; the test for overlap of two shapes uses them.
    var surfacePoints: [Point] { get }

    /// The signed distance in Å from the middle of the outermost bilayer, negative inside.
    func signedDistance(at point: Point) -> Double

    /// The distance to the nearest bilayer, and the compartment, at a point.
    func sample(at point: Point) -> MembraneSample
}

/// The values of a ``Membrane`` at one point.
struct MembraneSample {
    /// The distance in Å from the middle of the nearest bilayer, never negative.
    var bilayerDistance: Double
    /// The compartment of the point; nil outside the shape.
    var compartment: Compartment?
}

/// The density of a lipid bilayer as a function of the distance from its middle, averaged over a voxel.
///
/// The profile is the sum of two Gaussians of σ = 5 Å for the head groups of the leaflets, and a negative one of σ = 7 Å for
/// the lipid tails between them, as X-ray scattering shows (J. Nagle, S. Tristram-Nagle, *Biochim. Biophys. Acta* 1469:159,
/// 2000). Averaging over a cubic voxel of edge v widens a Gaussian to √(σ² + v²/12), so that a leaflet thinner than a voxel
/// keeps its mass.
///
/// As one sheet it is a single Gaussian of the same thickness, as a membrane looks where the leaflets are not resolved.
struct Bilayer: Sendable {
    private static let leafletSigma = 5.0
    private static let coreSigma = 7.0

    /// The distance between the outer half maxima of the two leaflets, in Å; the full width at half maximum of one sheet.
    let thickness: Double
    /// The distance between the middles of the two leaflets, in Å; 0 for one sheet.
    let leafletSeparation: Double
    /// The distance from the middle in Å beyond which the density is taken as zero.
    let reach: Double

    private let leafletPeak: Double
    private let leafletScale: Double
    private let corePeak: Double
    private let coreScale: Double

    /// - Parameter density: a factor; with one sheet the density of its middle, relative to protein.
    init(
        thickness: Double, density: Double = 1, profile: SimulationParameters.MembraneProfile = .leaflets, voxelSize: Double
    ) {
        self.thickness = thickness
        // The half width at half maximum of a Gaussian is 1.17741 σ.
        let isOneSheet = profile == .sheet
        leafletSeparation = isOneSheet ? 0 : thickness - 2 * 1.177_41 * Self.leafletSigma
        let leafletSigma = isOneSheet ? thickness / (2 * 1.177_41) : Self.leafletSigma
        // Two leaflets lie upon one another in one sheet.
        let leafletDensity = isOneSheet ? Density.protein / 2 : Density.headGroups
        let coreDensity = isOneSheet ? 0 : Density.lipidTails
        func averaged(_ sigma: Double, _ peak: Double) -> (peak: Double, scale: Double, sigma: Double) {
            let wide = (sigma * sigma + voxelSize * voxelSize / 12).squareRoot()
            return (peak * sigma / wide, 0.5 / (wide * wide), wide)
        }
        let leaflet = averaged(leafletSigma, density * leafletDensity)
        let core = averaged(Self.coreSigma, density * coreDensity)
        (leafletPeak, leafletScale) = (leaflet.peak, leaflet.scale)
        (corePeak, coreScale) = (core.peak, core.scale)
        reach = leafletSeparation / 2 + 3.5 * max(leaflet.sigma, core.sigma)
    }

    /// The mean density over the thickness of a bilayer of density factor one, relative to protein.
    static func meanDensity(thickness: Double, _ profile: SimulationParameters.MembraneProfile) -> Double {
        let bilayer = Bilayer(thickness: thickness, profile: profile, voxelSize: 0)
        let mass =
            2 * bilayer.leafletPeak * (Double.pi / bilayer.leafletScale).squareRoot()
            + bilayer.corePeak * (Double.pi / bilayer.coreScale).squareRoot()
        return mass / (Density.protein * thickness)
    }

    /// The density at a distance in Å from the middle of the bilayer.
    @inline(__always)
    func density(at distance: Double) -> Double {
        let outer = distance - leafletSeparation / 2
        let inner = distance + leafletSeparation / 2
        return leafletPeak * (exp(-outer * outer * leafletScale) + exp(-inner * inner * leafletScale))
            + corePeak * exp(-distance * distance * coreScale)
    }
}

/// A shape of membranes, and the bilayer with which it is drawn.
struct DrawnMembrane: Sendable {
    let shape: any Membrane
    let bilayer: Bilayer
}

extension SimulationCanvas {
    /// Draws membranes: adds their density, sets their labels, and sets the compartments inside them.
    ///
    /// - Parameter membranes: the shapes with their bilayers; an inner one after those that enclose it, because later compartments replace earlier
    ///   ones.
    /// - Complexity: one sample for each block of 4³ voxels in a shape's box, and for each voxel near a bilayer; on all cores.
    mutating func draw(_ membranes: [DrawnMembrane]) {
        drawInBands { band in
            for membrane in membranes { band.draw(membrane.shape, membrane.bilayer) }
        }
    }
}

extension SimulationCanvas.Band {
    private static let block = 4

    /// Draws one membrane block by block (4³ voxels). Only in blocks that a bilayer may touch each voxel is sampled; other
    /// blocks are filled with one compartment.
    fileprivate func draw(_ membrane: some Membrane, _ bilayer: Bilayer) {
        let region = membrane.region.expanded(by: bilayer.reach)
        let lower = grid.index(of: region.lower)
        let upper = grid.index(of: region.upper)
        guard let xs = (0..<grid.x).part(from: lower.x, through: upper.x),
            let ys = (0..<grid.y).part(from: lower.y, through: upper.y),
            let zs = slices.part(from: lower.z, through: upper.z)
        else { return }
        // Half of a block's diagonal, times 1.5 because distances are exact only to first order.
        let blockReach = 1.5 * 0.5 * 3.0.squareRoot() * Double(Self.block) * grid.voxelSize + bilayer.reach
        let halfBlock = 0.5 * Double(Self.block - 1) * grid.voxelSize
        for z in stride(from: zs.lowerBound, to: zs.upperBound, by: Self.block) {
            for y in stride(from: ys.lowerBound, to: ys.upperBound, by: Self.block) {
                for x in stride(from: xs.lowerBound, to: xs.upperBound, by: Self.block) {
                    let middle = membrane.sample(at: grid.position(x: x, y: y, z: z) + halfBlock)
                    let block = (
                        z..<min(z + Self.block, zs.upperBound), y..<min(y + Self.block, ys.upperBound),
                        x..<min(x + Self.block, xs.upperBound)
                    )
                    if middle.bilayerDistance <= blockReach {
                        drawBilayer(of: membrane, bilayer, z: block.0, y: block.1, x: block.2)
                    } else if let compartment = middle.compartment {
                        fill(compartment, z: block.0, y: block.1, x: block.2)
                    }
                }
            }
        }
    }

    private func drawBilayer(
        of membrane: some Membrane, _ bilayer: Bilayer, z: Range<Int>, y: Range<Int>, x: Range<Int>
    ) {
        for z in z {
            for y in y {
                for x in x {
                    let sample = membrane.sample(at: grid.position(x: x, y: y, z: z))
                    let index = row(z, y) + x
                    if let compartment = sample.compartment { compartments[index] = compartment.rawValue }
                    guard sample.bilayerDistance < bilayer.reach else { continue }
                    density[densityRow(z, y) + x] += Float(bilayer.density(at: sample.bilayerDistance))
                    if sample.bilayerDistance <= bilayer.thickness / 2 {
                        labels[index] = SimulationClass.membrane.rawValue
                    }
                }
            }
        }
    }

    private func fill(_ compartment: Compartment, z: Range<Int>, y: Range<Int>, x: Range<Int>) {
        for z in z {
            for y in y {
                for x in x { compartments[row(z, y) + x] = compartment.rawValue }
            }
        }
    }
}
