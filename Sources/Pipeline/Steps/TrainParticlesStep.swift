import Basics
public import CatalogSchema
public import Engine
import Tensors
import Training
import Volumes

/// Trains a three-dimensional residual U-Net that finds particles, on the centres of macromolecules in pseudo-labels and of point annotations
/// (method.md, section 7).
///
/// The label of a particle is a ball of its class's radius, truncated by a cube (``BallLabels``). Voxels that pseudo-labels call neither particle nor membrane,
/// and particles that an end of the slab cuts off, are ignored (``ParticleSource``). The last columns of each tomogram are held out
/// (``HeldOutPart``); where none of them has a particle, nothing is held out, since nothing could be validated.
///
/// What people accepted or added in a tomogram of the training set is a particle, also beyond its slabs; what they rejected is
/// ground or ignored (``CurationUse``). Beyond the slabs only the balls of these teach, and nothing validates.
public struct TrainParticlesStep: TypedStep {
    public static let name = "train-particles"
    public static let version = 6
    public static let scope = ScopeKind.trainingSet
    public static let summary = "a network that finds particles, trained on those of pseudo-labels"

    public struct Parameters: DeclarationGroup {
        let classes = Parameter.text(
            "classes", default: PseudoLabels.macromolecule,
            "what is found, with commas between: macromolecule, or names of point annotations")
        let radius = Parameter.real(
            "radius", default: 0, in: 0...5000, "of particles in Å; 0 for the median of those that are known")
        let least = Parameter.real(
            "size.least", default: 0, in: 0...100_000, "diameter in Å below which particles of pseudo-labels are ignored")
        let largest = Parameter.real(
            "size.largest", default: 0, in: 0...100_000, "diameter in Å above which they are ignored; 0 for none")
        let target = Parameter.real(
            "target", default: 1, in: 0...1, "radius of the ball that is learned, as a part of the particle's; 0 for one voxel")
        let foregroundWeight = Parameter.real(
            "loss.foreground_weight", default: 1, in: 0.001...100_000, "factor of the cross-entropy on voxels of a particle")
        let completeness = Parameter.real(
            "loss.completeness", default: 1, in: 0.01...1,
            "part of the particles that is labelled; below 1 the cross-entropy lets the ground hold others")
        let curation = Parameter<CurationUse>.choice(
            "curation", default: .ground,
            "what picks are that people rejected: ground or ignored; off to read nothing that people say of picks"
        )
        let width = Parameter.integer("network.width", default: 24, in: 2...256, "channels of the finest level, even")
        let patchSize = Parameter.integer("patch.size", default: 72, in: 16...512, "side of a patch in voxels, a multiple of 8")
        let jitter = Parameter.integer(
            "patch.jitter", default: 14, in: 0...256, "voxels by which particles may lie off a patch's centre")
        let foreground = Parameter.real(
            "patch.foreground", default: 0.9, in: 0...1, "part of the patches that are centred on a particle")
        let stepsPerEpoch = Parameter.integer(
            "epoch.steps", default: 0, in: 0...100_000, "steps of an epoch; 0 for as many as see each particle once")
        let training = TrainingParameters(
            .init(
                batch: 8, epochs: 60, patience: 0, crossEntropy: 0, schedule: .oneCycle, heldOut: (0.15, "columns"),
                validationBatches: 2))
    }
    public struct Inputs: Sendable {
        let material = TrainingMaterial.Inputs()
        let curation = CurationUse.input
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), TrainingOutputs())

    private let models = OpenModels(.network) { path, _ in path }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let classes = try ClassList.parse(item.parameters.classes, key: "\(name).classes")
        var material = try TrainingMaterial(item.base, item.inputs.material)
        let tolerance = try item.parameters.training.voxelSizeTolerance
        let sizes = try Self.sizes(item.parameters)
        let sources = try material.particleSources(classes: classes, tolerance: tolerance)
            .map { $0.learning(diametersInAngstroms: sizes) }
        let curation = try item.inputs.curation ?? []
        let verdicts = try material.verdicts(curation, classes: classes, tolerance: tolerance)
        let architecture = NetworkArchitecture.picker(
            try PickerArchitecture(width: item.parameters.width, classes: classes.count))
        let first = try item.parameters.training.firstNetwork(architecture, classes: classes, of: name, models)
        let (voxelSize, seed) = (material.voxelSizeInAngstroms, try item.parameters.training.seed)
        try item.trainFirst(first, classes: classes, members: sources.map(\.member) + Self.members(curation)) {
            let radii = try radii(item, sources, verdicts, classes)
            let (examples, learned) = try Self.examples(
                item.base, item.parameters, material, training: sources, heldOut: sources, verdicts, classes,
                radii: radii.map { $0 / voxelSize }, architecture)
            item.record("particles", Double(learned))
            return PreparedTraining(
                loss: try Self.loss(item.parameters), settings: try Self.settings(item.parameters, particles: learned),
                examples: examples
            ) { result in
                NetworkDescription(
                    step: name, classes: classes, voxelSizeInAngstroms: voxelSize,
                    diametersInAngstroms: radii.map { 2 * $0 }, patchSize: examples.shape.x, seed: seed, epoch: result.epoch,
                    thresholds: result.thresholds, members: sources.map(\.member) + Self.members(curation))
            }
        }
    }

    /// What people say of particles, as members of what a network was trained on.
    static func members(_ curation: [CurationMember]) -> [NetworkDescription.Member] {
        curation.map { .init(tomogram: $0.scope.tomogram, label: "curated particles") }
    }

    /// The diameters of the particles that are learned, in Å.
    ///
    /// - Throws: ``PipelineError`` where there is no size between the two bounds.
    static func sizes(_ parameters: ParameterValues<Parameters>) throws -> ClosedRange<Double> {
        let (least, largest) = (try parameters.least, try parameters.largest)
        guard largest > 0 else { return least ... .infinity }
        guard least <= largest else {
            throw PipelineError(
                "no particle is as large as \(name).size.least, \(least) Å, and no larger than size.largest, \(largest) Å: exchange them"
            )
        }
        return least...largest
    }

    /// The loss, in which labels of particles may be few and incomplete.
    static func loss(_ parameters: ParameterValues<Parameters>) throws -> SegmentationLoss {
        try parameters.training.loss(
            .sigmoid, foregroundWeight: parameters.foregroundWeight, completeness: parameters.completeness)
    }

    /// The settings of the optimizer.
    ///
    /// - Parameter particles: those that are learned.
    static func settings(_ parameters: ParameterValues<Parameters>, particles: Int) throws -> TrainingSettings {
        let (batch, steps) = (try parameters.training.batch, try parameters.stepsPerEpoch)
        return try parameters.training.settings(stepsPerEpoch: steps > 0 ? steps : (particles + batch - 1) / batch)
    }

    /// The radius of each class in Å: the recipe's, else the median of the particles that are not cut off (of all, where all are cut off).
    ///
    /// - Throws: ``PipelineError`` where a class has no particle (``PipelineErrorCode/noneInLabels``), or no radius is known.
    private func radii(
        _ item: Item<Self>, _ sources: [ParticleSource], _ verdicts: [ParticleVerdict], _ classes: [String]
    ) throws -> [Double] {
        let fixed = try item.parameters.radius
        return try classes.indices.map { index in
            let particles = sources.flatMap(\.particles).filter { $0.class == index && !$0.isOfAnotherSize }
            guard !particles.isEmpty || verdicts.contains(where: { $0.isParticle && $0.class == index }) else {
                throw Self.noParticle(of: classes[index], in: item.scope.tomogram)
            }
            if fixed > 0 { return fixed }
            // A particle that is cut off looks smaller than it is.
            let whole = particles.filter { !$0.isAtEnd }
            let known = (whole.isEmpty ? particles : whole).compactMap(\.radiusInAngstroms).sorted()
            guard !known.isEmpty else {
                throw PipelineError(
                    "nobody says how large \(classes[index]) is: set train-particles.radius, or annotate with --radius")
            }
            return known[known.count / 2]
        }
    }

    /// - Parameter radii: the radius of each class, in voxels.
    /// - Throws: ``PipelineError`` where a class has no particle, or all are cut off (``PipelineErrorCode/nothingToLearn``).
    private static func check(
        _ set: String, _ sources: [ParticleSource], _ beyond: [ParticleVerdict], _ classes: [String], _ radii: [Double]
    ) throws {
        let known = sources.flatMap { $0.known(radii: radii) }.map(\.class) + beyond.filter(\.isParticle).map(\.class)
        for (index, name) in classes.enumerated() where !known.contains(index) {
            let count = sources.reduce(0) { $0 + $1.particles.count { $0.class == index } }
            guard count > 0 else {
                guard sources.contains(where: { $0.rejected.contains { $0.class == index } }) else {
                    throw noParticle(of: name, in: set)
                }
                throw PipelineError(
                    .nothingToLearn,
                    "people rejected every particle of the class \(name) in the training set \(set); `cellar curate --add` adds "
                        + "some, and `cellar training add` chooses other slabs")
            }
            throw PipelineError(
                .nothingToLearn,
                "the training set \(set) shows no particle of the class \(name) whole: of all \(count) a part "
                    + "may lie beyond the first or last slice, or an edge, of a slab, so their centres are not known; choose "
                    + "slabs of more slices with `cellar slab add` and `cellar training add`")
        }
    }

    private static func noParticle(of name: String, in set: String) -> PipelineError {
        PipelineError(
            .noneInLabels,
            "the training set \(set) has no particle of the class \(name) to learn from; `cellar show TOMOGRAM --z N --step "
                + "pseudo-labels` shows what there is, `cellar training add` chooses other slabs")
    }

    /// The patches for training and validation.
    ///
    /// - Parameters:
    ///   - members: what teaches, as ``TrainingMaterial`` gives it.
    ///   - references: of the same members, what the network is validated on. Where none of their particles lies in what is held
    ///     out, nothing is.
    ///   - verdicts: what people say of single particles, which counts for both.
    ///   - radii: the radius of each class, in voxels.
    ///   - round: the round of training: each draws other patches.
    /// - Returns: the patches, and the number of particles in the training part.
    /// - Throws: ``PipelineError`` where a class has no particle, all of a class are cut off, or all particles lie in the held-out
    ///   columns (``PipelineErrorCode/nothingToLearn``).
    static func examples(
        _ item: StepItem, _ parameters: ParameterValues<Parameters>, _ material: TrainingMaterial,
        training members: [ParticleSource], heldOut references: [ParticleSource], _ verdicts: [ParticleVerdict],
        _ classes: [String], radii: [Double], _ architecture: NetworkArchitecture, round: Int = 1
    ) throws -> (examples: PatchExamples, learned: Int) {
        let (use, target) = (try parameters.curation, try parameters.target)
        func judged(_ sources: [ParticleSource]) -> (sources: [ParticleSource], beyond: [ParticleVerdict]) {
            let (curated, beyond) = ParticleSource.curated(sources, by: verdicts, radii: radii, use: use)
            return (ParticleSource.introduce(curated), beyond)
        }
        let (sources, beyond) = judged(members)
        try check(item.scope.tomogram, sources, beyond, classes, radii)
        let side = try parameters.patchSize.rounded(upToMultipleOf: architecture.alignment.width)
        guard let shape = VolumeShape(z: side, y: side, x: side) else {
            throw PipelineError(mistake: .item, "a patch has \(side) voxels along each side")
        }
        let cuts = try HeldOutPart.cuts(
            of: sources.map { ($0.volume, $0.box) }, along: .columns, fraction: parameters.training.heldOutPart)
        // Of regions for training, with the number of particles that they show.
        var (training, whole) = ([(region: LabelledRegion, particles: Int)](), [(region: LabelledRegion, particles: Int)]())
        var heldOut: [LabelledRegion] = []
        for ((source, reference), cut) in zip(zip(sources, judged(references).sources), cuts) {
            let region = try source.regions(radii: radii, target: target)
            func taught(_ box: Box) -> (region: LabelledRegion, particles: Int) {
                (region(box, showsRejected: true), region(box).foreground.count)
            }
            whole.append(taught(source.box))
            if let box = cut.training { training.append(taught(box)) }
            if let box = cut.heldOut { heldOut.append(try reference.regions(radii: radii, target: target)(box)) }
        }
        let isValidated = heldOut.contains { $0.foreground.count > 0 }
        if !isValidated { (training, heldOut) = (whole, []) }
        let (others, otherParticles) = try ParticleSource.regions(
            beyond: beyond, radii: radii, target: target, shapes: material.volumes.map(\.shape), use: use
        ) { volume, x in
            isValidated && zip(sources, cuts).contains { $0.volume == volume && $1.heldOut?.x.overlaps(x) == true }
        }
        let learned = training.reduce(otherParticles) { $0 + $1.particles }
        guard learned > 0 else {
            throw PipelineError(
                .nothingToLearn,
                "all particles of the training set \(item.scope.tomogram) lie in the columns that are held out; lower "
                    + "train-particles.validation.part")
        }
        let examples = try parameters.training.patchExamples(
            material, training: training.map(\.region) + others, heldOut: heldOut, shape: shape, context: architecture.context,
            foreground: parameters.foreground,
            jitter: parameters.jitter,
            orientations: Orientation.slab, round: round)
        return (examples, learned)
    }
}

extension TrainParticlesStep {
    /// The key of the radius in a recipe.
    package static let radiusKey = "\(name).radius"

    /// The classes that a recipe names.
    ///
    /// - Throws: ``PipelineError`` where it names none, or one twice.
    package static func classes(of recipe: Recipe) throws -> [String] {
        let key = "\(name).classes"
        return try ClassList.parse(recipe[key]?.text ?? "", key: key)
    }
}
