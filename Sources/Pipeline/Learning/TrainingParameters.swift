import CatalogSchema
import Engine
import Training
import Volumes

/// The parameters that all steps that train have in common, and what they come to.
enum TrainingParameters {
    /// What differs between steps.
    struct Defaults {
        var batch: Int
        var epochs: Int
        var patience: Int
        var crossEntropy: Double
        var schedule: LearningRateSchedule
        /// The part of each region that is held out, and where in it that lies.
        var heldOut: (part: Double, place: String)
        var validationBatches: Int
    }

    /// A step's own parameters and the common ones; those of a group beside each other, as a recipe has them.
    static func all(_ own: [Parameter], _ defaults: Defaults) -> [Parameter] {
        let all = own + common(defaults)
        func group(_ parameter: Parameter) -> Substring {
            parameter.name.lastIndex(of: ".").map { parameter.name[..<$0] } ?? parameter.name[...]
        }
        var groups: [Substring] = []
        for parameter in all where !groups.contains(group(parameter)) { groups.append(group(parameter)) }
        return groups.flatMap { name in all.filter { group($0) == name } }
    }

    private static func common(_ defaults: Defaults) -> [Parameter] {
        [
            .model("initial", kind: ModelKind.network.rawValue, "a network to begin with, of the same architecture"),
            .flag("patch.turned", default: true, "whether patches are mirrored and turned by 90° at random"),
            .integer("batch", default: defaults.batch, in: 1...256, "patches of a step"),
            .integer("epoch.count", default: defaults.epochs, in: 0...100_000, "epochs"),
            .integer(
                "epoch.patience", default: defaults.patience, in: 0...100_000,
                "epochs without a better validation before it ends; 0 for never"),
            .real("loss.dice", default: 1, in: 0...1000, "weight of the Dice loss"),
            .real("loss.cross_entropy", default: defaults.crossEntropy, in: 0...1000, "weight of the cross-entropy"),
            .real("optimizer.learning_rate", default: 0.001, in: 1e-8...10, "of Adam, at its height"),
            .real("optimizer.weight_decay", default: 0.01, in: 0...10, "of AdamW; 0 for Adam"),
            .choice(
                "optimizer.schedule", default: defaults.schedule.rawValue, of: LearningRateSchedule.allCases.map(\.rawValue),
                "how the learning rate goes"),
            .real(
                "validation.part", default: defaults.heldOut.part, in: 0...0.9,
                "part of each region, its last \(defaults.heldOut.place), that is held out"),
            .integer(
                "validation.batches", default: defaults.validationBatches, in: 1...10_000,
                "batches that the network is validated on"),
            .real("voxel_size_tolerance", default: 0.05, in: 0...10, "part by which voxel sizes may differ"),
            .integer("seed", default: 1, in: 0...Int(Int32.max), "of first weights and of everything that is drawn"),
        ]
    }
}

extension StepItem {
    /// - Throws: ``TrainingError`` where a number is out of range.
    func trainingSettings(stepsPerEpoch: Int) throws -> TrainingSettings {
        try TrainingSettings(
            batch: integer("batch"), stepsPerEpoch: stepsPerEpoch, epochs: integer("epoch.count"),
            learningRate: real("optimizer.learning_rate"), weightDecay: real("optimizer.weight_decay"),
            schedule: LearningRateSchedule(rawValue: text("optimizer.schedule")) ?? .constant,
            patience: integer("epoch.patience"), seed: UInt64(integer("seed")))
    }

    func segmentationLoss(_ reading: SegmentationLoss.Reading) throws -> SegmentationLoss {
        try SegmentationLoss(reading, diceWeight: real("loss.dice"), crossEntropyWeight: real("loss.cross_entropy"))
    }

    /// The network that training begins with: the one that the recipe names, or one of the seed.
    func firstNetwork(_ architecture: NetworkArchitecture, _ models: OpenModels<String>) throws -> any Network {
        guard let record = try model("initial") else { return try architecture.network(seed: UInt64(integer("seed"))) }
        return try NetworkCheckpoint.read(models.model(record), expecting: architecture)
    }

    /// Patches of regions, by what the recipe says of patches and validation.
    ///
    /// - Parameters:
    ///   - heldOut: none where there is too little to hold anything out.
    ///   - orientations: that patches may get.
    func patchExamples(
        _ material: TrainingMaterial, training: [LabelledRegion], heldOut: [LabelledRegion], shape: VolumeShape, jitter: Int,
        orientations: [Orientation]
    ) throws -> PatchExamples {
        let share = try real("patch.foreground")
        func sampler(_ regions: [LabelledRegion]) throws -> PatchSampler {
            try PatchSampler(
                volumes: material.volumes, regions: regions, shape: shape,
                foregroundShare: regions.contains { $0.foreground.count > 0 } ? share : 0, jitter: jitter)
        }
        return try PatchExamples(
            training: sampler(training), heldOut: heldOut.isEmpty ? nil : sampler(heldOut),
            orientations: flag("patch.turned") ? orientations : [.identity], batch: integer("batch"),
            validationBatches: integer("validation.batches"), seed: UInt64(integer("seed")))
    }
}
