import Basics
public import CatalogSchema
public import Engine
import Tensors
import Training
import Volumes

/// Trains a U-Net that classifies voxels, on the pseudo-labels and label annotations of a training set (method.md, row 10).
///
/// The last slices of each slab, or of each run of overlapping slabs, are held out (``HeldOutPart``): the epoch with the best validation on them
/// gives the weights. Voxels that pseudo-labels call neither membrane nor macromolecule are not in the loss.
public struct TrainMembraneStep: TypedStep {
    public static let name = "train-membrane"
    public static let version = 6
    public static let scope = ScopeKind.trainingSet
    public static let summary = "a U-Net trained on membranes of pseudo-labels"

    public struct Parameters: DeclarationGroup {
        let classes = Parameter.text(
            "classes", default: PseudoLabels.membrane,
            "what is learned, with commas between: membrane, macromolecule, or names of annotations")
        let dimensions = Parameter.integer(
            "network.dimensions", default: 2, in: 2...3, "of the U-Net: slice by slice, or volumes")
        let context = Parameter.integer(
            "network.context", default: 2, in: 0...3,
            "slices before and after a slice that the network sees beside it; none in three dimensions")
        let width = Parameter.integer("network.width", default: 32, in: 1...256, "channels of the finest level")
        let levels = Parameter.integer("network.levels", default: 4, in: 1...7, "levels, the finest included")
        let normalization = Parameter<Normalization>.choice(
            "network.normalization", default: .batch,
            "over a batch, over each channel of a patch, or over eight groups of channels")
        let upsampling = Parameter<UNetArchitecture.Upsampling>.choice(
            "network.upsampling", default: .transposed, "transposed convolution, or interpolation")
        let patchSize = Parameter.integer(
            "patch.size", default: 0, in: 0...2048, "side of a patch in voxels; 0 for 256 in two dimensions, 64 in three")
        let foreground = Parameter.real(
            "patch.foreground", default: 0.7, in: 0...1, "part of the patches that are centred on a class")
        let stepsPerEpoch = Parameter.integer("epoch.steps", default: 25, in: 1...100_000, "steps of an epoch")
        let training = TrainingParameters(
            .init(
                batch: 4, epochs: 40, patience: 12, crossEntropy: 1, schedule: .polynomial, heldOut: (0.2, "slices"),
                validationBatches: 8))
    }
    public struct Inputs: Sendable {
        let material = TrainingMaterial.Inputs()
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), TrainingOutputs())

    /// Over what activations are normalised: a batch, each channel of a patch, or up to eight groups of channels.
    enum Normalization: String, CaseIterable, Sendable { case batch, instance, group }

    private let models = OpenModels(.network) { path, _ in path }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let classes = try ClassList.parse(item.parameters.classes, key: "\(name).classes")
        var material = try TrainingMaterial(item.base, item.inputs.material)
        let sources = try material.labelSources(classes: classes, tolerance: item.parameters.training.voxelSizeTolerance)
        let first = try firstNetwork(item, classes: classes)
        let (voxelSize, seed) = (material.voxelSizeInAngstroms, try item.parameters.training.seed)
        try item.trainFirst(first, classes: classes, members: sources.map(\.member)) {
            let examples = try Self.examples(
                item.base, item.parameters, material, training: sources, heldOut: sources, classes, first.network.architecture)
            return PreparedTraining(
                loss: try item.parameters.training.loss(.softmax),
                settings: try item.parameters.training.settings(stepsPerEpoch: item.parameters.stepsPerEpoch), examples: examples
            ) { result in
                NetworkDescription(
                    step: name, classes: classes, voxelSizeInAngstroms: voxelSize, patchSize: examples.shape.x, seed: seed,
                    epoch: result.epoch, thresholds: result.thresholds, members: sources.map(\.member))
            }
        }
    }

    /// The U-Net with which training begins.
    private func firstNetwork(_ item: Item<Self>, classes: [String]) throws -> FirstNetwork {
        let normalization: NormalizationKind =
            switch try item.parameters.normalization {
            case .instance: .instance
            case .group: .group(min(8, try item.parameters.width))
            case .batch: .batch
            }
        let architecture = try NetworkArchitecture.unet(
            UNetArchitecture(
                dimensions: item.parameters.dimensions, classes: classes.count + 1, width: item.parameters.width,
                levels: item.parameters.levels, normalization: normalization,
                upsampling: item.parameters.upsampling,
                context: item.parameters.dimensions == 2 ? item.parameters.context : 0))
        return try item.parameters.training.firstNetwork(architecture, classes: classes, of: name, models)
    }

    /// The patches for training and validation.
    ///
    /// - Parameters:
    ///   - sources: what teaches.
    ///   - references: of the same members, what the network is validated on.
    ///   - round: the round of training: each draws other patches.
    /// - Throws: ``PipelineError`` where a class has no voxel to learn from, or there is only one class and no ground
    ///   (``PipelineErrorCode/nothingToLearn``).
    /// - Complexity: reads all labels once.
    static func examples(
        _ item: StepItem, _ parameters: ParameterValues<Parameters>, _ material: TrainingMaterial,
        training sources: [LabelSource],
        heldOut references: [LabelSource], _ classes: [String], _ architecture: NetworkArchitecture, round: Int = 1
    ) throws -> PatchExamples {
        let isDeep = architecture.receptiveRadius.depth > 0 || architecture.alignment.depth > 1
        let size = try parameters.patchSize
        let side = (size > 0 ? size : isDeep ? 64 : 256).rounded(upToMultipleOf: architecture.alignment.height)
        guard let shape = VolumeShape(z: isDeep ? side : 1, y: side, x: side) else {
            throw PipelineError(mistake: .item, "a patch has \(side) voxels along each side")
        }
        var (training, heldOut) = ([LabelledRegion](), [LabelledRegion]())
        var counts = [Int](repeating: 0, count: 256)
        let part = try parameters.training.heldOutPart
        let cuts = HeldOutPart.cuts(
            of: sources.map { ($0.volume, $0.box) }, along: .slices, fraction: part, gap: architecture.context)
        for ((source, reference), cut) in zip(zip(sources, references), cuts) {
            try item.checkCancellation()
            if let box = cut.training {
                let learned = try source.region(box)
                training.append(learned.region)
                for label in counts.indices { counts[label] += learned.counts[label] }
            }
            if let box = cut.heldOut { heldOut.append(try reference.region(box).region) }
        }
        try check(counts, classes, item.scope.tomogram)
        return try parameters.training.patchExamples(
            material, training: training, heldOut: heldOut, shape: shape, context: architecture.context,
            foreground: parameters.foreground,
            jitter: side / 3,
            orientations: isDeep ? Orientation.slab : Orientation.plane, round: round)
    }

    /// - Parameter counts: the number of voxels of each label.
    /// - Throws: ``PipelineError`` where a class has no voxel, or there is only one class and no ground.
    private static func check(_ counts: [Int], _ classes: [String], _ set: String) throws {
        let ways =
            "`cellar show TOMOGRAM --z N --step pseudo-labels` shows what there is, `cellar training add` chooses other slabs"
        for (index, name) in classes.enumerated() where counts[index + 1] == 0 {
            throw PipelineError(
                .noneInLabels,
                "the labels of the training set \(set) have no voxel of the class \(name), so that nothing can be learned of it; \(ways)"
            )
        }
        guard counts[0] > 0 || classes.count > 1 else {
            throw PipelineError(
                .nothingToLearn,
                "the labels of the training set \(set) are \(classes[0]) everywhere, and one class alone teaches nothing; \(ways)"
            )
        }
    }
}
