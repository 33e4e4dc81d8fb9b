import Volumes

/// A cell before it is imaged: its density, what is where in it, and the truth about it.
struct SimulatedScene {
    /// Without gold.
    var density: FourierVolume
    /// The density of gold beads, where there are any.
    var gold: FourierVolume?
    let labels: VoxelBuffer
    let particles: [SimulatedParticle]
    let filaments: [SimulatedFilament]
    let surfaces: LamellaSurfaces

    /// Draws the scene.
    ///
    /// Large things come first, each in what the ones before it left free. What one kind of structure is does not depend on
    /// how many there are of the kinds after it.
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
