import CatalogSchema
import Engine
import ImageProcessing
import Training
import Volumes

/// What the networks of a round say of a slab, in the classes of pseudo-labels.
///
/// A network that no longer learns, since an earlier round was no better than the one before, is not asked: it said what it knows.
/// The same holds for one that knows no class of pseudo-labels, and where labels taught nothing.
struct TeacherLabels: SlabOpinion {
    let rows: [ParticleTable.Row]
    /// Whether somebody was asked for membranes.
    let tellsMembranes: Bool
    /// Whether somebody was asked for particles.
    let tellsParticles: Bool

    private let parts: NetworkParts
    private let membranes: (probabilities: ProbabilitySlices, index: Int)?

    /// How networks are applied, and what is believed of them.
    struct Settings {
        let passes: ParameterValues<NetworkApplication.Passes>
        /// The part of a class's threshold from which on a voxel is in doubt.
        let doubt: Double
        /// The least score of a particle.
        let score: Double
    }

    /// Applies the networks to the slices of a slab, unless files of the item's workspace have the results.
    ///
    /// - Parameters:
    ///   - round: the round that the networks have to be of.
    ///   - membranes: the network that labels voxels; nil for none.
    ///   - particles: the network that finds particles; nil for none.
    /// - Throws: as ``NetworkApplication``.
    /// - Complexity: a pass of each network over the slices, times the copies; memory for one layer of blocks, then for a slice.
    init(
        _ item: StepItem, _ tomogram: NetworkApplication.Tomogram, _ settings: Settings, slices z: Range<Int>, round: Int,
        membranes: TrainedNetwork?, particles: TrainedNetwork?
    ) throws {
        func application(
            _ trained: TrainedNetwork?, _ purpose: NetworkApplication.Purpose, _ classes: [String], _ files: String
        ) throws -> NetworkApplication? {
            guard let trained, trained.absence == nil else { return nil }
            let network = try NetworkApplication.NamedNetwork(trained, in: item.workspace())
            guard network.description.round ?? 1 == round, network.answers(purpose).contains(where: { classes.contains($0.name) })
            else { return nil }
            return try NetworkApplication(item, tomogram, settings.passes, [network], slices: z, files: files, for: purpose)
        }
        let labels = try application(membranes, .labels, PseudoLabels.classes, "membranes")
        let finder = try application(particles, .particles, [PseudoLabels.macromolecule], "particles")
        let shape = VolumeShape(z: z.count, y: tomogram.volume.shape.y, x: tomogram.volume.shape.x) ?? tomogram.volume.shape
        let probabilities = try labels?.probabilities(.init(), pickerMargin: nil)
        var found: [FoundObject] = []
        if let finder {
            let patch = finder.members.map(\.description.patchSize).min() ?? 0
            let maps = try finder.probabilities(.init(), pickerMargin: min(NetworkApplication.pickerMargin, patch / 6))
            found = try finder.particles(in: maps, score: settings.score).filter { $0.class == PseudoLabels.macromolecule }
        }
        let balls = ParticleBalls(found, in: shape, unit: tomogram.voxelSize.vectorInAngstroms, firstSlice: z.lowerBound)
        // Balls are given also where nobody looks for particles: then ground is what is no membrane.
        parts = NetworkParts(
            probabilities, thresholds: labels?.thresholds ?? [], doubt: settings.doubt, balls: balls, shape: shape)
        rows = found.enumerated().map { index, particle in .init(particle, code: balls.isCutOff(index) ? 1 : 0) }
        let index = probabilities?.classes.firstIndex(of: PseudoLabels.membrane)
        self.membranes = probabilities.flatMap { probabilities in index.map { (probabilities, $0) } }
        (tellsMembranes, tellsParticles) = (index != nil, finder != nil)
    }

    func opinion(slice: Int) throws -> SliceOpinion {
        let (classes, particles) = try parts.slice(slice)
        return SliceOpinion(
            classes: classes.values, particles: particles.values,
            membrane: try membranes.map { try $0.probabilities.mean(of: $0.index, slice: slice) } ?? [])
    }
}
