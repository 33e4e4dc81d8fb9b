import Tensors
import Volumes

/// Simulates the tomogram of a cell lamella, with the ground truth for each voxel.
///
/// ```swift
/// var parameters = SimulationParameters()
/// parameters.seed = 7
/// let tomogram = try TomogramSimulation(parameters).run()
/// ```
///
/// The target's README says what is simulated, by which formulas, and what is not.
public struct TomogramSimulation: Sendable {
    /// The progress of a simulation.
    public struct Progress: Sendable, Hashable {
        /// The stages in the order in which they run.
        public enum Stage: String, Sendable, CaseIterable {
            case membranes, particles, background, imaging, noise
        }

        /// The stage that begins now, or at the end the last one.
        public let stage: Stage
        /// The completed fraction of the whole simulation, 0...1.
        public let fractionCompleted: Double
    }

    /// The parameters, with the values that were drawn for those that were nil.
    public let parameters: SimulationParameters

    private let grid: SimulationGrid
    private let lamella: SimulatedLamella

    /// - Throws: ``SimulationError`` for the first parameter that is out of range.
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
    /// - Parameter progress: called on the caller's thread at the beginning of each stage, and once at the end of the last.
    /// - Complexity: for each voxel of the tomogram and its margins 9 bytes at the peak (11 with gold) and some hundred
    ///   nanoseconds, on all cores.
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
            greyValues: density, labels: scene.labels, particles: scene.particles, filaments: scene.filaments, lamella: lamella,
            parameters: parameters)
    }

    /// Turns the density of a scene into its image without noise. Without gold, it has mean zero and variance one in the lamella.
    private func image(_ scene: inout SimulatedScene, _ mask: TiltMask) {
        let transfer = ContrastTransfer(parameters.optics)
        let filter = SpectralFilter(grid: grid, mask: mask) { transfer(squaredFrequency: $0) }
        scene.density.filter(filter)
        let signal = scene.density.statistics(in: scene.surfaces, of: grid)
        // A lamella that is only water, with no surface in the tomogram, has no signal to scale.
        let scale = signal.standardDeviation > 1e-6 ? Float(1 / signal.standardDeviation) : 1
        scene.density.subtract(Float(signal.mean), thenScaleBy: scale)
        if var gold = scene.gold {
            scene.gold = nil
            gold.filter(filter)
            scene.density.add(gold, scaledBy: scale)
        }
    }

    /// Adds filtered white noise, scaled to the signal-to-noise ratio.
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

/// The lamella before imaging: its density and its ground truth.
struct SimulatedScene {
    /// The density without gold.
    var density: FourierVolume
    /// The density of the gold beads; nil where there are none.
    var gold: FourierVolume?
    let labels: VoxelBuffer
    let particles: [SimulatedParticle]
    let filaments: [SimulatedFilament]
    let surfaces: LamellaSurfaces

    /// Places and draws all structures.
    ///
    /// Large structures come first; each is placed in the space that the earlier ones left free. A structure does not depend on
    /// the number of structures of later kinds.
    init(
        _ parameters: SimulationParameters, lamella: SimulatedLamella, grid: SimulationGrid,
        _ report: (TomogramSimulation.Progress.Stage, Double) -> Void
    ) {
        let contents = parameters.contents
        let seed = parameters.seed
        surfaces = LamellaSurfaces(lamella, grid: grid)
        var canvas = SimulationCanvas(grid: grid)
        var field = grid.region
        field.lower.z = max(field.lower.z, surfaces.lowest)
        field.upper.z = min(field.upper.z, surfaces.highest)

        report(.membranes, 0)
        let arrangement = MembraneArrangement(contents, field: field, seed: seed)
        let bilayer = Bilayer(thickness: contents.bilayerThicknessInAngstroms, voxelSize: grid.voxelSize)
        canvas.draw(arrangement.membranes, bilayer)
        canvas.markVacuum(around: surfaces)

        report(.particles, 0.2)
        let placement = ParticlePlacement(contents, field: field, seed: seed, canvas: &canvas)
        canvas.draw(placement.groups)
        filaments = placement.filaments

        report(.background, 0.35)
        let crowding = Crowding(
            concentration: contents.crowdingInMilligramsPerMilliliter, field: field, grid: grid, seed: seed)
        canvas.drawInBands(crowding.draw)
        canvas.emptyVacuum(around: surfaces)

        let beads = GoldBeads(
            perSquareMicrometer: contents.goldBeadsPerSquareMicrometer, on: lamella, seed: seed, canvas: &canvas)
        if !beads.isEmpty {
            var volume = grid.emptyVolume()
            beads.draw(labels: &canvas, density: &volume)
            gold = volume
        }
        particles = placement.particles + beads.particles(in: grid)
        labels = canvas.tomogramLabels()
        density = canvas.density
    }
}
