public import CatalogSchema
public import Engine
import Training
import Volumes

/// Trains the U-Net of the second round, on the labels of ``Relabel2Step``: it begins with the network of the first one, and is
/// kept if it is better (``PreparedTraining``). The recipe's values are those of ``TrainMembraneStep``; first weights and architecture
/// are the teacher's.
public struct TrainMembrane2Step: TypedStep {
    public static let name = "train-membrane-2"
    public static let version = 1
    public static let scope = ScopeKind.trainingSet
    public static let summary = "the U-Net of the second round, or that of the first one where it is better"
    public static let runsOnlyWhereRead = true
    public static let recipeGroup = TrainMembraneStep.name
    public static let parameters = LaterRoundParameters(first: TrainMembraneStep.parameters)
    public static let inputs = LaterRoundInputs(labels: Relabel2Step.self, teacher: TrainMembraneStep.self)
    public static let outputs = TrainingOutputs()

    public init() {}

    public func run(_ item: Item<Self>) throws { try item.trainMembranes(round: 2) }
}

/// Trains the U-Net of the third round, as ``TrainMembrane2Step`` that of the second.
public struct TrainMembrane3Step: TypedStep {
    public static let name = "train-membrane-3"
    public static let version = 1
    public static let scope = ScopeKind.trainingSet
    public static let summary = "the U-Net of the third round, or the best of those before"
    public static let runsOnlyWhereRead = true
    public static let recipeGroup = TrainMembraneStep.name
    public static let parameters = LaterRoundParameters(first: TrainMembraneStep.parameters)
    public static let inputs = LaterRoundInputs(labels: Relabel3Step.self, teacher: TrainMembrane2Step.self)
    public static let outputs = TrainingOutputs()

    public init() {}

    public func run(_ item: Item<Self>) throws { try item.trainMembranes(round: 3) }
}

extension Item
where
    S.Parameters == LaterRoundParameters<TrainMembraneStep.Parameters>, S.Inputs == LaterRoundInputs, S.Outputs == TrainingOutputs
{
    fileprivate func trainMembranes(round: Int) throws {
        let parameters = parameters.first
        try trainLater(inputs.teacher, round: round, tolerance: self.parameters.tolerance) { teacher, known in
            var material = try TrainingMaterial(base, inputs.material)
            let tolerance = try parameters.training.voxelSizeTolerance
            let sources = try material.labelSources(classes: known.classes, tolerance: tolerance)
            let references = try material.labelSources(classes: known.classes, tolerance: tolerance, of: inputs.firstLabels)
            let examples = try TrainMembraneStep.examples(
                base, parameters, material, training: sources, heldOut: references, known.classes, teacher.architecture,
                round: round)
            let (voxelSize, seed) = (material.voxelSizeInAngstroms, try parameters.training.seed)
            return PreparedTraining(
                loss: try parameters.training.loss(.softmax),
                settings: try parameters.training.settings(stepsPerEpoch: parameters.stepsPerEpoch), examples: examples
            ) { result in
                NetworkDescription(
                    step: S.name, classes: known.classes, voxelSizeInAngstroms: voxelSize, patchSize: examples.shape.x,
                    seed: seed,
                    epoch: result.epoch, thresholds: result.thresholds, members: sources.map(\.member), round: round)
            }
        }
    }
}
