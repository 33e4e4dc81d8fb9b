import Basics
import Tensors

/// Turns densities into images without noise, and makes the noise.
protocol ImagingModel: Sendable {
    /// Replaces a density by its image, structures dark, of no particular scale. The operation is linear but for a constant.
    ///
    /// - Parameter vacuum: the value of the density where nothing is.
    func image(_ density: inout FourierVolume, vacuum: Double)

    /// Noise as the images have it, of no particular scale, and its variance in the lamella.
    func noise(seed: UInt64, in surfaces: LamellaSurfaces) -> (noise: FourierVolume, variance: Double)
}

/// Imaging by one filter in three dimensions: the contrast transfer function and the mask of the missing wedge.
struct VolumeImaging: ImagingModel {
    private let optics: SimulationParameters.Optics
    private let grid: SimulationGrid
    private let mask: TiltMask

    init(_ parameters: SimulationParameters, thicknessInAngstroms thickness: Double, grid: SimulationGrid) {
        optics = parameters.optics
        self.grid = grid
        mask = TiltMask(grid: grid, tilts: parameters.tiltSeries.tilts, thicknessInAngstroms: thickness)
    }

    func image(_ density: inout FourierVolume, vacuum: Double) {
        let transfer = ContrastTransfer(optics)
        density.filter(SpectralFilter(grid: grid, mask: mask) { transfer(squaredFrequency: $0) })
    }

    /// White noise, filtered; its variance is known without looking at it.
    func noise(seed: UInt64, in surfaces: LamellaSurfaces) -> (noise: FourierVolume, variance: Double) {
        let filter = SpectralFilter(grid: grid, mask: mask) { optics.noiseGain($0) }
        var noise = grid.emptyVolume()
        noise.fillWithWhiteNoise(seed: seed)
        noise.filter(filter)
        return (noise, filter.meanSquaredGain(grid: grid))
    }
}
