import Basics
import Engine
import Training

/// A training that is about to begin.
struct PreparedTraining {
    let loss: SegmentationLoss
    let settings: TrainingSettings
    let examples: PatchExamples
    /// The description of the network that results.
    let description: (Trainer.Result) throws -> NetworkDescription
}

/// A network that knows the classes of a training before it begins.
struct TeacherNetwork {
    let network: any Network
    /// For the ground and each class, the outputs that are parts of it; nil where each has one, in this order.
    let outputs: [[Int]]?
}

extension Item where S.Outputs == TrainingOutputs {
    /// Trains a network that began with what its *teacher* knows, and gives the one of the two that is better.
    ///
    /// Both are validated on what is held out of labels that no network has touched: that agreement needs no truth. Each has the
    /// thresholds that serve it best (``Validation/bestDice``). The teacher is kept where the new network does not agree more, where
    /// its training diverged, and where labels teach nothing. Where nothing is held out, nothing can be compared, and the new network
    /// is kept.
    ///
    /// The metric `kept_round` says which round the network is of; `teacher_dice` and `student_dice` are what was compared.
    ///
    /// - Parameters:
    ///   - network: what is trained, in place. It may be the teacher's.
    ///   - tolerance: how much less the new network may agree.
    ///   - prepare: makes the training.
    ///   - keepTeacher: gives the teacher as it was, for a reason.
    /// - Complexity: a training, and three passes over the validation patches.
    func train(
        _ network: any Network, beyond teacher: TeacherNetwork, round: Int, tolerance: Double,
        prepare: () throws -> PreparedTraining, keepTeacher: (_ reason: String, Trainer.Result?) throws -> Void
    ) throws {
        let training: PreparedTraining
        do {
            training = try prepare()
        } catch let error as PipelineError where error.teachesNothing {
            return try keepTeacher(error.message, nil)
        }
        // Before it is trained: its weights change in place.
        let before = try Validation(
            of: teacher.network, joining: teacher.outputs, loss: training.loss, on: training.examples, check: checkCancellation)
        if let before {
            try log("validation_loss", at: 0, before.loss)
            if let dice = before.dice { try log("validation_dice", at: 0, dice) }
        }
        let result: Trainer.Result
        do {
            result = try train(network, loss: training.loss, settings: training.settings, examples: training.examples)
        } catch let error as TrainingError where error.code == .diverged {
            return try keepTeacher(error.message, nil)
        }
        let after = try Validation(of: result.network, loss: training.loss, on: training.examples, check: checkCancellation)
        if let dice = before?.bestDice { record("teacher_dice", dice) }
        if let dice = after?.bestDice { record("student_dice", dice) }
        guard result.epoch > 0 else { return try keepTeacher("no epoch was run", result) }
        guard RoundComparison(teacher: before, student: after, tolerance: tolerance).isStudentKept else {
            return try keepTeacher("round \(round) did not agree more with the first labels", result)
        }
        record(RoundComparison.keptRound, Double(round))
        try give(result, training.description(result))
    }
}

/// Whether the network of a round takes the place of that of the round before.
package struct RoundComparison {
    /// The metric that says which round the network is of; 0 for the model that the first one began with.
    package static let keptRound = "kept_round"

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
