import Foundation

/// The density of a lipid bilayer as a function of the distance from its middle, averaged over a voxel.
///
/// Two leaflets of head groups, Gaussians of σ = 5 Å, and less than water between them (the profile that X-ray scattering
/// gives: J. Nagle, S. Tristram-Nagle, *Biochim. Biophys. Acta* 1469:159, 2000). Averaging over a cubic voxel of edge v
/// widens a Gaussian to √(σ² + v²/12): a membrane thinner than a voxel keeps its mass.
struct Bilayer: Sendable {
    private static let leafletSigma = 5.0
    private static let coreSigma = 7.0

    /// From half maximum to half maximum of the two leaflets, in Å.
    let thickness: Double
    /// The distance between the leaflets' middles.
    let leafletSeparation: Double
    /// Beyond this distance the density is zero for all purposes.
    let reach: Double

    private let leafletPeak: Double
    private let leafletScale: Double
    private let corePeak: Double
    private let coreScale: Double

    init(thickness: Double, voxelSize: Double) {
        self.thickness = thickness
        leafletSeparation = thickness - 2 * 1.177_41 * Self.leafletSigma
        func averaged(_ sigma: Double, _ peak: Double) -> (peak: Double, scale: Double, sigma: Double) {
            let wide = (sigma * sigma + voxelSize * voxelSize / 12).squareRoot()
            return (peak * sigma / wide, 0.5 / (wide * wide), wide)
        }
        let leaflet = averaged(Self.leafletSigma, Density.headGroups)
        let core = averaged(Self.coreSigma, Density.lipidTails)
        (leafletPeak, leafletScale) = (leaflet.peak, leaflet.scale)
        (corePeak, coreScale) = (core.peak, core.scale)
        reach = leafletSeparation / 2 + 3.5 * max(leaflet.sigma, core.sigma)
    }

    @inline(__always)
    func density(at distance: Double) -> Double {
        let outer = distance - leafletSeparation / 2
        let inner = distance + leafletSeparation / 2
        return leafletPeak * (exp(-outer * outer * leafletScale) + exp(-inner * inner * leafletScale))
            + corePeak * exp(-distance * distance * coreScale)
    }
}

/// Electrostatic potentials relative to water, in units of protein less water. Rounded from mean inner potentials; what
/// they do to an image is in their ratios.
enum Density {
    static let headGroups = 1.1
    static let lipidTails = -0.35
    static let protein = 1.0
    /// Two thirds RNA.
    static let ribosome = 1.35
    static let vacuum = -1.6
    static let gold = 12.0
}
