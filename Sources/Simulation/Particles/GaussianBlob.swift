/// A spherical Gaussian of density, from which particles are built.
struct GaussianBlob: Sendable {
    /// In Å.
    var center: Point
    var sigma: Double
    var peak: Double

    /// Beyond this distance the density is taken as zero.
    var reach: Double { 3.2 * sigma }

    /// Averaged over cubic voxels of edge v: of width √(σ² + v²/12), and of the same mass.
    func averaged(overVoxelSize v: Double) -> GaussianBlob {
        let wide = (sigma * sigma + v * v / 12).squareRoot()
        let ratio = sigma / wide
        return GaussianBlob(center: center, sigma: wide, peak: peak * ratio * ratio * ratio)
    }
}
