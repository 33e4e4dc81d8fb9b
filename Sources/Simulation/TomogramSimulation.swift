import Volumes

/// Simulates the tomogram of a cell lamella, with the truth about each voxel.
///
/// ```swift
/// var parameters = SimulationParameters()
/// parameters.seed = 7
/// let tomogram = try TomogramSimulation(parameters).run()
/// ```
///
/// See the target's README for what is simulated, by which formulas, and what is not.
public struct TomogramSimulation: Sendable {
    /// How far a simulation is.
    public struct Progress: Sendable, Hashable {
        public enum Stage: String, Sendable, CaseIterable {
            case membranes, particles, background, imaging, noise
        }

        public let stage: Stage
        /// Of the whole simulation, 0...1.
        public let fractionCompleted: Double
    }

    /// The parameters, with what was drawn for those that were left open.
    public let parameters: SimulationParameters

    private let grid: SimulationGrid
    private let lamella: SimulatedLamella

    /// - Throws: ``SimulationError`` for the first parameter that cannot be simulated.
    public init(_ parameters: SimulationParameters) throws(SimulationError) {
        grid = try parameters.validatedGrid()
        let resolved = parameters.resolved()
        self.parameters = resolved
        let thickness = resolved.lamella.thicknessInAngstroms ?? 0
        lamella = SimulatedLamella(resolved.lamella, thickness: thickness, grid: grid, seed: resolved.seed)
    }

    /// Simulates the tomogram.
    ///
    /// The same parameters give the same voxels on the same kind of machine, whatever the number of cores.
    ///
    /// - Parameter progress: called on the caller's thread as each stage begins, and once at the end of the last.
    /// - Complexity: at the peak 9 bytes for each voxel of the tomogram and its margins, 11 with gold, and some hundred
    ///   nanoseconds; works on all cores.
    public func run(progress: (Progress) -> Void = { _ in }) -> SimulatedTomogram {
        func report(_ stage: Progress.Stage, _ fraction: Double) {
            progress(Progress(stage: stage, fractionCompleted: fraction))
        }
        var scene = SimulatedScene(parameters, lamella: lamella, grid: grid, report)
        report(.imaging, 0.5)
        let thickness = min(lamella.thicknessInAngstroms, Double(grid.shape.z) * grid.voxelSize)
        let mask = TiltMask(grid: grid, tilts: parameters.tiltSeries.tilts, thicknessInAngstroms: thickness)
        image(&scene, mask)
        report(.noise, 0.75)
        addNoise(to: &scene.density, mask)
        let density = scene.density.tomogram(of: grid)
        report(.noise, 1)
        return SimulatedTomogram(
            density: density, labels: scene.labels, particles: scene.particles, filaments: scene.filaments, lamella: lamella,
            parameters: parameters)
    }

    /// Turns the density of a scene into its image without noise, of mean zero and variance one in the lamella but for gold.
    private func image(_ scene: inout SimulatedScene, _ mask: TiltMask) {
        let transfer = ContrastTransfer(parameters.optics)
        let filter = SpectralFilter(grid: grid, mask: mask) { transfer(squaredFrequency: $0) }
        scene.density.filter(filter)
        let signal = scene.density.statistics(in: scene.surfaces, of: grid)
        // A lamella of nothing but water, with no surface in view, has no signal to scale.
        let scale = signal.standardDeviation > 1e-6 ? Float(1 / signal.standardDeviation) : 1
        scene.density.subtract(Float(signal.mean), thenScaleBy: scale)
        if var gold = scene.gold {
            scene.gold = nil
            gold.filter(filter)
            scene.density.add(gold, scaledBy: scale)
        }
    }

    private func addNoise(to density: inout FourierVolume, _ mask: TiltMask) {
        let filter = SpectralFilter(grid: grid, mask: mask) { parameters.optics.noiseGain($0) }
        var noise = grid.emptyVolume()
        noise.fillWithWhiteNoise(seed: parameters.seed)
        noise.filter(filter)
        let variance = filter.meanSquaredGain(grid: grid)
        let ratio = parameters.signalToNoiseRatio ?? 1
        density.add(noise, scaledBy: Float(1 / (ratio * variance).squareRoot()))
    }
}
