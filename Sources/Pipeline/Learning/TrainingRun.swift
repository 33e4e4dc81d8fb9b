import CatalogSchema
public import Engine
import Foundation
import Tensors
import Training
import Volumes

/// The outputs of a step that trains.
public struct TrainingOutputs: Sendable {
    package let network = ArtifactOutput<TrainedNetwork>("network", evictable: false)
    let course = ValueOutput<TrainingSummary>("course")
}

extension Item where S.Outputs == TrainingOutputs {
    /// Trains a network. Its state is saved in the item's workspace, so that a training that was stopped continues from there.
    ///
    /// Losses and validation are logged as curves after each epoch; the metrics are those of the best epoch.
    func train(
        _ network: any Network, loss: SegmentationLoss, settings: TrainingSettings, examples: any TrainingExamples
    ) throws -> Trainer.Result {
        // Steps of the training left as much as they used.
        defer { Tensor.releaseUnusedMemory() }
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

    /// Gives the two outputs.
    func give(_ result: Trainer.Result, _ description: NetworkDescription) throws {
        try give(\.network) { try TrainedNetwork.write(result.network, description, in: workspace(), to: $0) }
        try give(\.course, TrainingSummary(result, classes: description.classes))
    }

    /// Gives that there is no network, with the metric `nothing_to_learn`.
    ///
    /// - Parameter reason: as ``TrainedNetwork/absence``.
    func giveNothing(_ reason: String, classes: [String]) throws {
        record(TrainingSummary.nothingToLearn, 1)
        try give(\.network) { try TrainedNetwork.write(absence: reason, classes: classes, to: $0) }
        try give(\.course, TrainingSummary(nil, classes: classes, end: reason))
    }
}

extension Trainer.End {
    /// The reason why the training ended, for people.
    var sentence: String {
        switch self {
        case .complete: "all epochs were run"
        case .early: "what is held out was not getting better"
        case .diverged(let step): "the loss was not finite in step \(step), and the best network before it was kept"
        }
    }
}

/// The output `course` of a step that trains: how the training went.
public struct TrainingSummary: Codable, Sendable {
    /// The metric of a training that gave no network.
    package static let nothingToLearn = "nothing_to_learn"

    var epochs: Int
    var bestEpoch: Int
    var end: String
    var classes: [String]
    /// Whether a part of the labels was held out.
    var isValidated: Bool

    /// - Parameters:
    ///   - result: nil where nothing was trained.
    ///   - end: why it ended; nil for what the result says.
    init(_ result: Trainer.Result?, classes: [String], end: String? = nil) {
        (epochs, bestEpoch) = (result?.epochs.count ?? 0, result?.epoch ?? 0)
        self.end = [result?.end.sentence, end].compactMap(\.self).joined(separator: "; ")
        self.classes = classes
        isValidated = result?.epochs.contains { $0.validationLoss != nil } ?? false
    }
}

extension Augmentations {
    /// What trainings do unless the recipe says otherwise (MemBrain-seg's and torch-segment-tomogram-boundaries' ranges, Benchmarks/NOTES.md).
    static let usual =
        "rotation 0.5 -180..180, zoom 0.3 0.75..1.35, noise 0.4 0..0.7, blur 0.3 0.3..1.2, spectrum 0.3 0.1..0.4, "
        + "wedge 0.2 40..70, contrast 0.5 0.7..1.4, brightness 0.3 -0.2..0.2, gamma 0.2 0.7..1.4, gradient 0.2 0..0.5, blank 0.2 0.05..0.25"
}

/// The form of a list of augmentations in a recipe.
private let augmentationForm = TextForm(name: "augmentations") { text throws(TrainingError) in try Augmentations(parsing: text) }

/// With which weights a training begins.
enum TrainingStart: String, CaseIterable, Sendable { case model, random }

/// The parameters that all training steps share.
public struct TrainingParameters: DeclarationGroup {
    /// The defaults that differ between steps.
    struct Defaults {
        var batch: Int
        var epochs: Int
        var patience: Int
        var crossEntropy: Double
        var schedule: LearningRateSchedule
        /// The part of each region that is held out, and the word for its units in the summary: slices or columns.
        var heldOut: (part: Double, unit: String)
        var validationBatches: Int
    }

    let initial = Parameter.model(
        "initial", kind: ModelKind.network.rawValue,
        "a network to begin with: its architecture, and its weights but for classes that it does not know")
    let start = Parameter<TrainingStart>.choice(
        "start", default: .model, "weights to begin with: of the model initial, or random")
    let isTurned = Parameter.flag("patch.turned", default: true, "whether patches are mirrored and turned by 90° at random")
    let augmentation = Parameter<Augmentations>.written(
        "patch.augmentation", default: Augmentations.usual, as: augmentationForm,
        "random changes of patches: KIND PROBABILITY LEAST..MOST, with commas between, or none")
    let batch: Parameter<Int>
    let epochs: Parameter<Int>
    let patience: Parameter<Int>
    let dice = Parameter.real("loss.dice", default: 1, in: 0...1000, "weight of the Dice loss")
    let crossEntropy: Parameter<Double>
    let learningRate = Parameter.real(
        "optimizer.learning_rate", default: 0.001, in: 1e-8...10, "of Adam, at its height")
    let weightDecay = Parameter.real("optimizer.weight_decay", default: 0.01, in: 0...10, "of AdamW; 0 for Adam")
    let averaging = Parameter.real(
        "optimizer.averaging", default: 0.99, in: 0...0.9999,
        "decay of the moving averages of weights that are kept; 0 for none")
    let schedule: Parameter<LearningRateSchedule>
    let heldOutPart: Parameter<Double>
    let validationBatches: Parameter<Int>
    let voxelSizeTolerance = Parameter.real(
        "voxel_size_tolerance", default: 0.05, in: 0...10, "part by which voxel sizes may differ")
    let seed = Parameter.integer(
        "seed", default: 1, in: 0...Int(Int32.max), "of first weights and of everything that is drawn")

    init(_ defaults: Defaults) {
        batch = .integer("batch", default: defaults.batch, in: 1...256, "patches of a step")
        epochs = .integer("epoch.count", default: defaults.epochs, in: 0...100_000, "epochs")
        patience = .integer(
            "epoch.patience", default: defaults.patience, in: 0...100_000,
            "epochs without a better validation before it ends; 0 for never")
        crossEntropy = .real("loss.cross_entropy", default: defaults.crossEntropy, in: 0...1000, "weight of the cross-entropy")
        schedule = .choice("optimizer.schedule", default: defaults.schedule, "how the learning rate goes")
        heldOutPart = .real(
            "validation.part", default: defaults.heldOut.part, in: 0...0.9,
            "part of each region, its last \(defaults.heldOut.unit), that is held out")
        validationBatches = .integer(
            "validation.batches", default: defaults.validationBatches, in: 1...10_000,
            "batches that the network is validated on")
    }
}

extension ParameterValues<TrainingParameters> {
    /// The settings of the optimizer.
    ///
    /// - Throws: ``TrainingError`` where a number is out of range.
    func settings(stepsPerEpoch: Int) throws -> TrainingSettings {
        try TrainingSettings(
            batch: self.batch, stepsPerEpoch: stepsPerEpoch, epochs: self.epochs, learningRate: self.learningRate,
            weightDecay: self.weightDecay,
            schedule: self.schedule, patience: self.patience, averaging: self.averaging, seed: UInt64(self.seed))
    }

    /// The loss, with the recipe's weights of Dice loss and cross-entropy.
    func loss(
        _ activation: SegmentationLoss.OutputActivation, foregroundWeight: Double = 1, completeness: Double = 1
    ) throws -> SegmentationLoss {
        try SegmentationLoss(
            activation, diceWeight: self.dice, crossEntropyWeight: self.crossEntropy, foregroundWeight: foregroundWeight,
            completeness: completeness)
    }

    /// The network with which the first round begins: the model that the recipe names, else random weights from the seed.
    ///
    /// - Parameters:
    ///   - architecture: what the recipe wants; a model's own counts in its place, but for the classes.
    ///   - classes: what is learned, without the ground.
    ///   - step: the one that trains.
    /// - Throws: ``PipelineError`` where the model is a network of another kind; ``TrainingError`` or ``CheckpointError`` where it cannot be
    ///   read.
    func firstNetwork(
        _ architecture: NetworkArchitecture, classes: [String], of step: String, _ models: OpenModels<String>
    ) throws -> FirstNetwork {
        let seed = try UInt64(self.seed)
        guard let record = try self.initial, try self.start == .model else {
            return FirstNetwork(network: architecture.network(seed: seed), model: nil)
        }
        let path = try models.model(record)
        let model = try NetworkCheckpoint.read(path)
        let description = try NetworkDescription(NetworkCheckpoint.metadata(of: path), path: record.name)
        guard case .unet(let wanted) = architecture, case .unet(let known) = model.architecture else {
            if model.architecture == architecture, description.classes == classes {
                let same = try NetworkCheckpoint.read(path)
                return FirstNetwork(
                    network: model, model: .init(name: record.name, network: same, description.finding(classes, handedOnBy: step))
                )
            }
            throw PipelineError(
                "\(record.name) cannot be where this training begins: it is another kind of network, or finds other classes; choose one that "
                    + "the same step trained for the same classes, or begin with random weights")
        }
        guard known.dimensions == wanted.dimensions else {
            throw PipelineError(
                "\(record.name) is a network in \(known.dimensions) dimensions, the recipe wants \(wanted.dimensions): set network.dimensions to "
                    + "\(known.dimensions), choose another model, or begin with random weights (start)")
        }
        let network = UNet(try known.with(classes: wanted.classes), seed: seed)
        let outputs = description.outputs ?? [nil] + description.classes
        // By names, of the outputs of a class the first one; what the model does not know begins at random.
        network.begin(with: model, outputs: ([nil] + classes).map { name in outputs.firstIndex { $0 == name } })
        let isKnown = Set(outputs).isSuperset(of: [nil] + classes)
        return FirstNetwork(
            network: network,
            model: isKnown ? .init(name: record.name, network: model, description.finding(classes, handedOnBy: step)) : nil)
    }

    /// The patches for training and validation, drawn from regions by the recipe's settings.
    ///
    /// - Parameters:
    ///   - heldOut: the regions for validation; empty for none.
    ///   - context: the slices before and after a patch that the network sees.
    ///   - foreground: the part of the patches that are centred on a voxel or particle of a class.
    ///   - orientations: the rotations and reflections that patches may get.
    ///   - round: the round of training: each draws other patches, and validates on the same ones.
    func patchExamples(
        _ material: TrainingMaterial, training: [LabelledRegion], heldOut: [LabelledRegion], shape: VolumeShape, context: Int,
        foreground: Double, jitter: Int, orientations: [Orientation], round: Int
    ) throws -> PatchExamples {
        func sampler(_ regions: [LabelledRegion]) throws -> PatchSampler {
            try PatchSampler(
                volumes: material.volumes, regions: regions, shape: shape, context: context,
                foregroundShare: regions.contains { $0.foreground.count > 0 } ? foreground : 0, jitter: jitter)
        }
        return try PatchExamples(
            training: sampler(training), heldOut: heldOut.isEmpty ? nil : sampler(heldOut),
            orientations: self.isTurned ? orientations : [.identity], augmentations: self.augmentation, batch: self.batch,
            validationBatches: self.validationBatches,
            seed: UInt64(self.seed), first: (round - 1) << 40)
    }
}
