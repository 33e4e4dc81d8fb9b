import Basics
import CatalogSchema
public import Engine
import Foundation
import Training

/// The parameters of a training of a later round: those of the first round, and how it is compared with the round before.
public struct LaterRoundParameters<First: DeclarationGroup>: Sendable {
    let first: First
    let tolerance = Parameter.real(
        "rounds.tolerance", default: 0, in: 0...1,
        "of later rounds: how much lower the Dice score of a network on the first labels may be than that of the round before"
    )
}

/// The inputs of a training of a later round.
public struct LaterRoundInputs: DeclarationGroup {
    let material: TrainingMaterial.Inputs
    let firstLabels = Input(each: PseudoLabelsStep.self, \.labels)
    let teacher: Input<TrainedNetwork>

    /// - Parameters:
    ///   - labels: the step that gives what slabs teach.
    ///   - teacher: the step that trained the network of the round before.
    init<Labels: TypedStep, Teacher: TypedStep>(labels: Labels.Type, teacher: Teacher.Type)
    where Labels.Outputs == WitnessOutputs, Teacher.Outputs == TrainingOutputs {
        material = TrainingMaterial.Inputs(labels: Input(each: labels, \.labels))
        self.teacher = Input(teacher, \.network)
    }
}

extension Item where S.Outputs == TrainingOutputs {
    /// Trains the network of the round before, the *teacher*, on new labels, and gives the one that is better (``PreparedTraining``).
    ///
    /// Both are validated on what is held out of the *first* labels, which no network has touched. Where the teacher is kept, it is so
    /// byte by byte, and the rounds have ended: later ones hand on the same network without a training. Where there is no teacher, there is
    /// no network either.
    ///
    /// - Parameters:
    ///   - teacher: the network of the round before.
    ///   - tolerance: how much less the new network may agree.
    ///   - prepare: makes the training from the teacher and its description.
    /// - Complexity: a training, and three passes over the validation patches.
    func trainLater(
        _ teacher: TrainedNetwork, round: Int, tolerance: Double,
        _ prepare: (_ teacher: any Network, NetworkDescription) throws -> PreparedTraining
    ) throws {
        if let reason = teacher.absence { return try giveNothing(reason, classes: teacher.classes().names) }
        let (network, known) = try teacher.open(in: workspace())
        let knownRound = known.round ?? 1
        func keepTeacher(_ reason: String, _ result: Trainer.Result?) throws {
            record(RoundComparison.keptRound, Double(knownRound))
            try give(\.network) { try teacher.copy(known, to: $0) }
            let end = "\(reason), and the network of round \(knownRound) was kept"
            try give(\.course, TrainingSummary(result, classes: known.classes, end: end))
        }
        guard knownRound == round - 1 else { return try keepTeacher("round \(knownRound + 1) was no better", nil) }
        try train(
            network, beyond: .init(network: network, outputs: nil), round: round, tolerance: tolerance,
            prepare: { try prepare(network, known) }, keepTeacher: keepTeacher)
    }
}
