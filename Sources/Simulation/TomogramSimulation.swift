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
    /// - Complexity: for each voxel of the tomogram and its margins 9 bytes at the peak (11 with gold or ice) and some hundred
    ///   nanoseconds, on all cores. Tilt images take four bytes for each of their pixels and twice the time, assemblies that fill
    ///   a quarter of the volume up to 16 bytes for each voxel.
    public func run(progress: (Progress) -> Void = { _ in }) -> SimulatedTomogram {
        func report(_ stage: Progress.Stage, _ fraction: Double) {
            progress(Progress(stage: stage, fractionCompleted: fraction))
        }
        var scene = SimulatedScene(parameters, lamella: lamella, grid: grid, report)
        report(.imaging, 0.5)
        let thickness = min(lamella.thicknessInAngstroms, Double(grid.shape.z) * grid.voxelSize)
        let imaging: any ImagingModel =
            switch parameters.imaging {
            case .volume: VolumeImaging(parameters, thicknessInAngstroms: thickness, grid: grid)
            case .tiltImages(let conditions):
                TiltImaging(parameters, conditions, thicknessInAngstroms: thickness, grid: grid)
            }
        image(&scene, imaging)
        report(.noise, 0.75)
        addNoise(to: &scene, imaging)
        let density = scene.density.tomogram(of: grid)
        report(.noise, 1)
        return SimulatedTomogram(
            greyValues: density, labels: scene.labels, particles: scene.particles, filaments: scene.filaments, lamella: lamella,
            surfaces: scene.surfaces.heights, parameters: parameters)
    }

    /// Turns the density of a scene into its image without noise. Without gold and ice, it has mean zero and variance one in the
    /// lamella.
    private func image(_ scene: inout SimulatedScene, _ imaging: some ImagingModel) {
        imaging.image(&scene.density, vacuum: Density.vacuum)
        let signal = scene.density.statistics(in: scene.surfaces, of: grid)
        // A lamella that is only water, with no surface in the tomogram, has no signal to scale.
        let scale = signal.standardDeviation > 1e-6 ? Float(1 / signal.standardDeviation) : 1
        scene.density.subtract(Float(signal.mean), thenScaleBy: scale)
        if var contamination = scene.contamination {
            scene.contamination = nil
            imaging.image(&contamination, vacuum: 0)
            scene.density.add(contamination, scaledBy: scale)
        }
    }

    /// Adds filtered white noise, scaled to the signal-to-noise ratio.
    private func addNoise(to scene: inout SimulatedScene, _ imaging: some ImagingModel) {
        let (noise, variance) = imaging.noise(seed: parameters.seed, in: scene.surfaces)
        let ratio = parameters.signalToNoiseRatio ?? 1
        scene.density.add(noise, scaledBy: Float(1 / (ratio * variance).squareRoot()))
    }
}

/// The lamella before imaging: its density and its ground truth.
struct SimulatedScene {
    /// The density without gold and ice.
    var density: FourierVolume
    /// The density of gold beads and blobs of ice; nil where there are none.
    var contamination: FourierVolume?
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
        let membranes = MembraneArrangement(contents, field: field, seed: seed)
            .drawn(contents, voxelSize: grid.voxelSize, seed: seed)
        canvas.draw(membranes)
        canvas.markVacuum(around: surfaces)

        report(.particles, 0.2)
        let placement = ParticlePlacement(contents, field: field, seed: seed, canvas: &canvas)
        let assemblies = AssemblyPlacement(contents, on: membranes, field: field, seed: seed, canvas: &canvas)
        canvas.draw(placement.groups + assemblies.groups)
        filaments = placement.filaments

        report(.background, 0.35)
        let crowding = Crowding(
            concentration: contents.crowdingInMilligramsPerMilliliter, membraneDensity: contents.membraneDensity, field: field,
            grid: grid, seed: seed)
        canvas.drawInBands(crowding.draw)
        canvas.emptyVacuum(around: surfaces)

        let ice = IceBlobs(perSquareMicrometer: contents.iceBlobsPerSquareMicrometer, on: lamella, seed: seed, grid: grid)
        let beads = GoldBeads(
            perSquareMicrometer: contents.goldBeadsPerSquareMicrometer, on: lamella, seed: seed, canvas: &canvas)
        if !beads.isEmpty || !ice.isEmpty {
            var volume = grid.emptyVolume()
            ice.draw(labels: &canvas, density: &volume)
            beads.draw(labels: &canvas, density: &volume)
            contamination = volume
        }
        particles = placement.particles + assemblies.particles + beads.particles(in: grid)
        labels = canvas.tomogramLabels()
        density = canvas.density
    }
}
