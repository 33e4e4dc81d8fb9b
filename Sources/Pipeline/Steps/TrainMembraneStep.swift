public import CatalogSchema
public import Engine
import Tensors
import Training
import Volumes

/// Trains a U-Net that calls voxels by their class, on the pseudo-labels and label annotations of a training set (method.md, row 10).
///
/// The last slices of each slab are held out, or of several that overlap (``HeldOutPart``), and say which epoch was the best.
/// What pseudo-labels call neither membrane nor macromolecule has no part in the loss.
public struct TrainMembraneStep: Step {
    public let name = "train-membrane"
    public let version = 2
    public let scope = ScopeKind.trainingSet
    public let summary = "a U-Net trained on membranes of pseudo-labels"
    public let parameters = TrainingParameters.all(
        [
            .text(
                "classes", default: "membrane",
                "what is learned, with commas between: membrane, macromolecule, or names of annotations"),
            .integer("network.dimensions", default: 2, in: 2...3, "of the U-Net: slice by slice, or volumes"),
            .integer("network.width", default: 32, in: 1...256, "channels of the finest level"),
            .integer("network.levels", default: 4, in: 1...7, "levels, the finest included"),
            .choice(
                "network.normalization", default: "batch", of: ["batch", "instance", "group"],
                "over a batch, over each channel of a patch, or over eight groups of channels"),
            .choice(
                "network.upsampling", default: "transposed", of: ["transposed", "linear"],
                "transposed convolution, or interpolation"),
            .integer(
                "patch.size", default: 0, in: 0...2048, "side of a patch in voxels; 0 for 256 in two dimensions, 64 in three"),
            .real("patch.foreground", default: 0.7, in: 0...1, "part of the patches that are centred on a class"),
            .integer("epoch.steps", default: 25, in: 1...100_000, "steps of an epoch"),
        ],
        .init(
            batch: 4, epochs: 40, patience: 12, crossEntropy: 1, schedule: .polynomial, heldOut: (0.2, "slices"),
            validationBatches: 8))
    public let inputs = TrainingMaterial.inputs
    public let outputs = [StepOutput.artifact("network", evictable: false), .value("course")]

    private let models = OpenModels(.network) { path, _ in path }

    public init() {}

    public func run(_ item: StepItem) throws {
        let classes = try item.words("classes")
        var material = try TrainingMaterial(item)
        let sources = try material.labelSources(classes: classes, tolerance: item.real("voxel_size_tolerance"))
        let network = try self.network(item, classes: classes)
        let settings = try item.trainingSettings(stepsPerEpoch: item.integer("epoch.steps"))
        let examples = try self.examples(item, material, sources, classes, network.architecture)
        let result = try item.train(
            network, loss: item.segmentationLoss(.exclusive), settings: settings, examples: examples)
        let description = try NetworkDescription(
            step: name, classes: classes, voxelSizeInAngstroms: material.voxelSizeInAngstroms, patchSize: examples.shape.x,
            seed: item.integer("seed"),
            epoch: result.epoch, members: sources.map(\.member))
        try item.give(result, description)
    }

    private func network(_ item: StepItem, classes: [String]) throws -> any Network {
        let normalization: NormalizationKind =
            switch try item.text("network.normalization") {
            case "instance": .instance
            case "group": .group(min(8, try item.integer("network.width")))
            default: .batch
            }
        let architecture = try NetworkArchitecture.unet(
            UNetArchitecture(
                dimensions: item.integer("network.dimensions"), classes: classes.count + 1, width: item.integer("network.width"),
                levels: item.integer("network.levels"), normalization: normalization,
                upsampling: UNetArchitecture.Upsampling(rawValue: item.text("network.upsampling")) ?? .transposed))
        return try item.firstNetwork(architecture, models)
    }

    private func examples(
        _ item: StepItem, _ material: TrainingMaterial, _ sources: [LabelSource], _ classes: [String],
        _ architecture: NetworkArchitecture
    ) throws -> PatchExamples {
        let isDeep = try item.integer("network.dimensions") == 3
        let size = try item.integer("patch.size")
        let side = (size > 0 ? size : isDeep ? 64 : 256).rounded(upToMultipleOf: architecture.alignment.height)
        guard let shape = VolumeShape(z: isDeep ? side : 1, y: side, x: side) else { throw PipelineError("patch.size is 0") }
        var (training, heldOut) = ([LabelledRegion](), [LabelledRegion]())
        var counts = [Int](repeating: 0, count: 256)
        let part = try item.real("validation.part")
        let cuts = HeldOutPart.cuts(of: sources.map { ($0.volume, $0.box) }, along: .slices, fraction: part)
        for (source, cut) in zip(sources, cuts) {
            try item.checkCancellation()
            if let box = cut.training {
                let learned = try source.region(box)
                training.append(learned.region)
                for label in counts.indices { counts[label] += learned.counts[label] }
            }
            if let box = cut.heldOut { heldOut.append(try source.region(box).region) }
        }
        try check(counts, classes, item.scope.tomogram)
        return try item.patchExamples(
            material, training: training, heldOut: heldOut, shape: shape, jitter: side / 3,
            orientations: isDeep ? Orientation.slab : Orientation.plane)
    }

    /// - Throws: ``PipelineError`` where there is nothing to tell apart.
    private func check(_ counts: [Int], _ classes: [String], _ set: String) throws {
        let ways =
            "`cellar show TOMOGRAM --z N --step pseudo-labels` shows what there is, `cellar training add` chooses other slabs"
        for (index, name) in classes.enumerated() where counts[index + 1] == 0 {
            throw PipelineError(
                "the labels of the training set \(set) have no voxel of the class \(name), so that nothing can be learned of it; \(ways)"
            )
        }
        guard counts[0] > 0 || classes.count > 1 else {
            throw PipelineError(
                "the labels of the training set \(set) are \(classes[0]) everywhere, and one class alone teaches nothing; \(ways)"
            )
        }
    }
}

extension Int {
    /// The next multiple that is not smaller.
    func rounded(upToMultipleOf step: Int) -> Int { (self + step - 1) / step * step }
}
