import Engine
import Foundation
import Training

/// The outputs of a step that trains.
public struct TrainingOutputs: Sendable {
    let network = ArtifactOutput<TrainedNetwork>("network", evictable: false)
    let course = ValueOutput<TrainingSummary>("course")
}

extension Item where S.Outputs == TrainingOutputs {
    /// Trains a network in the item's workspace, so that a training that was stopped goes on where it was.
    ///
    /// Curves are logged as it goes; its metrics are the best epoch's.
    func train(
        _ network: any Network, loss: SegmentationLoss, settings: TrainingSettings, examples: any TrainingExamples
    ) throws -> Trainer.Result {
        let trainer = Trainer(
            network, loss: loss, settings: settings, examples: examples,
            state: try workspace().appending(path: "training.safetensors"))
        var last = "the first epoch"
        let result = try trainer.run(
            progress: { step in
                let epoch = (step - 1) / settings.stepsPerEpoch + 1
                self.report(Double(step) / Double(settings.steps), "epoch \(epoch) of \(settings.epochs), \(last)")
            }, check: checkCancellation,
            epoch: { epoch in
                try self.log("loss", at: epoch.number, epoch.loss)
                try self.log("learning_rate", at: epoch.number, epoch.learningRate)
                if let loss = epoch.validationLoss { try self.log("validation_loss", at: epoch.number, loss) }
                if let dice = epoch.validationDice { try self.log("validation_dice", at: epoch.number, dice) }
                last = String(format: "loss %.3f", epoch.loss)
                if let dice = epoch.validationDice { last += String(format: ", held out Dice %.3f", dice) }
            })
        record("epochs", Double(result.epochs.count))
        record("best_epoch", Double(result.epoch))
        if result.epoch > 0 {
            let best = result.epochs[result.epoch - 1]
            record("loss", best.loss)
            if let loss = best.validationLoss { record("validation_loss", loss) }
            if let dice = best.validationDice { record("validation_dice", dice) }
        }
        if case .diverged(let step) = result.end { record("diverged_step", Double(step)) }
        return result
    }

    /// Gives the outputs.
    func give(_ result: Trainer.Result, _ description: NetworkDescription) throws {
        try give(\.network) { try TrainedNetwork.write(result.network, description, in: workspace(), to: $0) }
        try give(\.course, TrainingSummary(result, classes: description.classes))
    }
}

/// Class names with commas between.
struct ClassNames {
    /// - Parameter parameter: where the text stands in the recipe.
    /// - Throws: ``PipelineError`` where there is none, or one twice.
    static func parse(_ text: String, parameter: String) throws -> [String] {
        let words = text.words
        guard !words.isEmpty, Set(words).count == words.count, words.count < 64 else {
            throw PipelineError("\(parameter) names no class, or one twice: give names with commas between them")
        }
        return words
    }
}

extension Trainer.End {
    /// In a few words, for people.
    var sentence: String {
        switch self {
        case .complete: "all epochs were run"
        case .early: "what is held out was not getting better"
        case .diverged(let step): "the loss was not finite in step \(step), and the best network before it was kept"
        }
    }
}

/// The output `course` of a step that trains.
public struct TrainingSummary: Codable, Sendable {
    var epochs: Int
    var bestEpoch: Int
    var end: String
    var classes: [String]
    /// Whether anything was held out.
    var isValidated: Bool

    init(_ result: Trainer.Result, classes: [String]) {
        (epochs, bestEpoch, end) = (result.epochs.count, result.epoch, result.end.sentence)
        self.classes = classes
        isValidated = result.epochs.contains { $0.validationLoss != nil }
    }
}
