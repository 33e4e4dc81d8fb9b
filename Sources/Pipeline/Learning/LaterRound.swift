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

/// A training of a later round, as it is about to begin.
struct LaterTraining {
    let loss: SegmentationLoss
    let settings: TrainingSettings
    let examples: PatchExamples
    /// The description of the network that results.
    let description: (Trainer.Result) throws -> NetworkDescription
}

extension Item where S.Outputs == TrainingOutputs {
    /// Trains the network of the round before, the *teacher*, on new labels, and gives the one that is better.
    ///
    /// Both are validated on what is held out of the *first* labels, which no network has touched: that agreement needs no truth.
    /// Each has the thresholds that serve it best (``Validation/bestDice``). The teacher is kept, byte by byte, where the new
    /// network does not agree more, where its training diverged, and where its labels teach nothing. Then the rounds have ended:
    /// later ones hand on the same network without a training. Where nothing is held out, nothing can be compared, and the new
    /// network is kept.
    ///
    /// The metric `kept_round` says which round the network is of; `teacher_dice` and `student_dice` are what was compared.
    ///
    /// - Parameters:
    ///   - teacher: the network of the round before.
    ///   - tolerance: how much less the new network may agree.
    ///   - prepare: makes the training from the teacher and its description.
    /// - Complexity: a training, and three passes over the validation patches.
    func trainLater(
        _ teacher: TrainedNetwork, round: Int, tolerance: Double,
        _ prepare: (_ teacher: any Network, NetworkDescription) throws -> LaterTraining
    ) throws {
        let (network, known) = try teacher.open(in: workspace())
        let knownRound = known.round ?? 1
        func keepTeacher(_ reason: String, _ result: Trainer.Result? = nil) throws {
            record("kept_round", Double(knownRound))
            try give(\.network) { try teacher.copy(known, to: $0) }
            let end = "\(reason), and the network of round \(knownRound) was kept"
            try give(\.course, TrainingSummary(result, classes: known.classes, end: end))
        }
        guard knownRound == round - 1 else { return try keepTeacher("round \(knownRound + 1) was no better") }
        let training: LaterTraining
        do {
            training = try prepare(network, known)
        } catch let error as PipelineError where error.code == .nothingToLearn {
            return try keepTeacher(error.message)
        }
        // Before it is trained: its weights change in place.
        let before = try Validation(of: network, loss: training.loss, on: training.examples, check: checkCancellation)
        if let before {
            try log("validation_loss", at: 0, before.loss)
            if let dice = before.dice { try log("validation_dice", at: 0, dice) }
        }
        let result: Trainer.Result
        do {
            result = try train(network, loss: training.loss, settings: training.settings, examples: training.examples)
        } catch let error as TrainingError where error.code == .diverged {
            return try keepTeacher(error.message)
        }
        let after = try Validation(of: result.network, loss: training.loss, on: training.examples, check: checkCancellation)
        if let dice = before?.bestDice { record("teacher_dice", dice) }
        if let dice = after?.bestDice { record("student_dice", dice) }
        guard result.epoch > 0 else { return try keepTeacher("no epoch was run", result) }
        guard RoundComparison(teacher: before, student: after, tolerance: tolerance).isStudentKept else {
            return try keepTeacher("round \(round) did not agree more with the first labels", result)
        }
        record("kept_round", Double(round))
        try give(result, training.description(result))
    }
}

/// Whether the network of a round takes the place of that of the round before.
struct RoundComparison {
    /// What is held out of the first labels; nil where nothing is.
    let teacher: Validation?
    let student: Validation?
    let tolerance: Double

    var isStudentKept: Bool {
        guard let teacher else { return true }
        guard let student, student.loss.isFinite else { return false }
        // No class has a voxel in what is held out: nothing to compare.
        guard let before = teacher.bestDice, let after = student.bestDice else { return true }
        return after > before - tolerance
    }
}
