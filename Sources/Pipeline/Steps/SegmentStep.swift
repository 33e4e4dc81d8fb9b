public import CatalogSchema
public import Engine
import Tensors
import Training
import Volumes

/// Runs a U-Net over a whole tomogram (method.md, row 11): that of the current training set, one that is there before anything was picked, or
/// both (``NetworkChoice``).
///
/// What lies outside of the sample, as `extent` found it, is ground (``SampleCut``).
///
/// Two-dimensional networks get whole slices where these fit into a block, else blocks with a margin of the whole receptive field, so that the
/// size of the block does not change the result. In three dimensions such a margin costs too much: margins are shorter, and blocks are blended.
public struct SegmentStep: TypedStep {
    public static let name = "segment"
    public static let version = 5
    public static let scope = ScopeKind.tomogram
    public static let summary = "classes of all voxels, by the U-Net of the current training set, or another"

    public struct Parameters: Sendable {
        let block = Parameter.integer(
            "block", default: 0, in: 0...8192, "side of a block in voxels; 0 for 1024 in two dimensions, 128 in three")
        let margin = Parameter.integer(
            "margin", default: -1, in: -1...1024,
            "voxels thrown away at cut faces; -1 for all that the network is not sure of, in three dimensions 16")
        let taper = Parameter.integer("taper", default: 8, in: 0...1024, "voxels over which blocks are blended")
        let threshold = Parameter.real(
            "threshold", default: 0, in: 0...1,
            "least probability of a class; 0 for the one of each class that served best on what was held out in training, or 0.5")
        let smallestVolume = Parameter.real(
            "smallest_volume", default: 1000, in: 0...1e9, "of a connected piece of a class, in nm³; smaller ones become ground")
        let smallestMembrane = Parameter.real(
            "membrane.smallest_volume", default: 3000, in: 0...1e9,
            "of a connected piece of membrane, in nm³ (25 nm × 25 nm × 5 nm); smaller ones become ground")
        let application = NetworkApplication.Parameters()
        let sample = SampleCut.Parameters(SampleCut.Voxels.ground, "what becomes of voxels outside of the sample")
    }
    public struct Inputs: Sendable {
        let application = NetworkApplication.Inputs(
            trainedBy: TrainMembraneStep.self, TrainMembrane2Step.self, TrainMembrane3Step.self)
        let sample = SampleCut.Inputs()
    }
    public struct Outputs: Sendable {
        package let labels = ArtifactOutput<Segmentation>("labels", evictable: false)
        package let probability = ArtifactOutput<ClassProbabilities>("probability", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    /// The metric that says how much more is found where bright and dark are exchanged.
    package static let invertedContrast = "inverted_contrast"

    private let models = OpenModels(.network) { path, _ in path }

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let application = try NetworkApplication(
            item.base, item.inputs.application, item.parameters.application, models: models, for: .labels)
        let (block, margin) = (try item.parameters.block, try item.parameters.margin)
        let sample = try SampleCut(item.inputs.sample, item.parameters.sample)
        let probabilities = try application.probabilities(
            .init(block: block > 0 ? block : nil, margin: margin >= 0 ? margin : nil, taper: item.parameters.taper),
            pickerMargin: nil)
        if let ratio = try application.invertedContrast() { item.record(Self.invertedContrast, ratio) }
        let threshold = try item.parameters.threshold
        let thresholds = threshold > 0 ? application.classes.map { _ in threshold } : application.thresholds
        let voxelVolume = application.voxelSize.volumeInCubicNanometers
        let leastVoxels = try application.classes.map { name in
            let volume = try name == PseudoLabels.membrane ? item.parameters.smallestMembrane : item.parameters.smallestVolume
            return Int((volume / voxelVolume).rounded(.up))
        }
        var counts: [Int] = []
        try item.give(\.labels) {
            counts = try Segmentation.write(
                probabilities, thresholds: thresholds, leastVoxels: leastVoxels, in: sample, to: $0)
        }
        try item.give(\.probability) { try ClassProbabilities.write(probabilities, in: sample, to: $0) }
        for (name, count) in zip(application.classes, counts.dropFirst()) {
            item.record("\(name)/fraction", Double(count) / Double(application.volume.shape.count))
            item.record("\(name)/volume_nm3", Double(count) * voxelVolume)
        }
    }
}
