public import CatalogSchema
public import Engine
import Training
import Volumes

/// Trains the picker of the second round, on the labels of ``Relabel2Step``: it begins with the network of the first one, and is
/// kept if it is better (``PreparedTraining``). The recipe's values are those of ``TrainParticlesStep``; first weights, architecture
/// and radii are the teacher's.
public struct TrainParticles2Step: TypedStep {
    public static let name = "train-particles-2"
    public static let version = 1
    public static let scope = ScopeKind.trainingSet
    public static let summary = "the picker of the second round, or that of the first one where it is better"
    public static let runsOnlyWhereRead = true
    public static let recipeGroup = TrainParticlesStep.name
    public static let parameters = LaterRoundParameters(first: TrainParticlesStep.parameters)
    public static let inputs = LaterPickerInputs(labels: Relabel2Step.self, teacher: TrainParticlesStep.self)
    public static let outputs = TrainingOutputs()

    public init() {}

    public func run(_ item: Item<Self>) throws { try item.trainParticles(round: 2) }
}

/// Trains the picker of the third round, as ``TrainParticles2Step`` that of the second.
public struct TrainParticles3Step: TypedStep {
    public static let name = "train-particles-3"
    public static let version = 1
    public static let scope = ScopeKind.trainingSet
    public static let summary = "the picker of the third round, or the best of those before"
    public static let runsOnlyWhereRead = true
    public static let recipeGroup = TrainParticlesStep.name
    public static let parameters = LaterRoundParameters(first: TrainParticlesStep.parameters)
    public static let inputs = LaterPickerInputs(labels: Relabel3Step.self, teacher: TrainParticles2Step.self)
    public static let outputs = TrainingOutputs()

    public init() {}

    public func run(_ item: Item<Self>) throws { try item.trainParticles(round: 3) }
}

/// The inputs of a picker's training of a later round.
public struct LaterPickerInputs: Sendable {
    let round: LaterRoundInputs
    let curation = CurationUse.input

    /// As those of ``LaterRoundInputs``.
    init<Labels: TypedStep, Teacher: TypedStep>(labels: Labels.Type, teacher: Teacher.Type)
    where Labels.Outputs == WitnessOutputs, Teacher.Outputs == TrainingOutputs {
        round = LaterRoundInputs(labels: labels, teacher: teacher)
    }
}

extension Item
where
    S.Parameters == LaterRoundParameters<TrainParticlesStep.Parameters>, S.Inputs == LaterPickerInputs,
    S.Outputs == TrainingOutputs
{
    fileprivate func trainParticles(round: Int) throws {
        let parameters = parameters.first
        try trainLater(inputs.round.teacher, round: round, tolerance: self.parameters.tolerance) { teacher, known in
            var material = try TrainingMaterial(base, inputs.round.material)
            let tolerance = try parameters.training.voxelSizeTolerance
            let sizes = try TrainParticlesStep.sizes(parameters)
            let sources = try material.particleSources(classes: known.classes, tolerance: tolerance)
                .map { $0.learning(diametersInAngstroms: sizes) }
            let references = try material.particleSources(
                classes: known.classes, tolerance: tolerance, of: inputs.round.firstLabels
            ).map { $0.learning(diametersInAngstroms: sizes) }
            let curation = try inputs.curation ?? []
            let verdicts = try material.verdicts(curation, classes: known.classes, tolerance: tolerance)
            let voxelSize = material.voxelSizeInAngstroms
            let (examples, learned) = try TrainParticlesStep.examples(
                base, parameters, material, training: sources, heldOut: references, verdicts, known.classes,
                radii: known.diametersInAngstroms.map { $0 / 2 / voxelSize }, teacher.architecture, round: round)
            record("particles", Double(learned))
            let seed = try parameters.training.seed
            return PreparedTraining(
                loss: try TrainParticlesStep.loss(parameters),
                settings: try TrainParticlesStep.settings(parameters, particles: learned), examples: examples
            ) { result in
                NetworkDescription(
                    step: S.name, classes: known.classes, voxelSizeInAngstroms: voxelSize,
                    diametersInAngstroms: known.diametersInAngstroms, patchSize: examples.shape.x, seed: seed,
                    epoch: result.epoch, thresholds: result.thresholds,
                    members: sources.map(\.member) + TrainParticlesStep.members(curation), round: round)
            }
        }
    }
}
