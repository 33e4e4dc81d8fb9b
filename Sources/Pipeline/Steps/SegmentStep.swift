public import CatalogSchema
public import Engine
import Tensors
import Training
import Volumes

/// Runs the U-Net of the current training set over a whole tomogram (method.md, row 11).
///
/// Two-dimensional networks get whole slices where these fit into a block, else blocks with a margin of the whole receptive field, so that the
/// size of the block does not change the result. In three dimensions such a margin costs too much: margins are shorter, and blocks are blended.
public struct SegmentStep: TypedStep {
    public static let name = "segment"
    public static let version = 3
    public static let scope = ScopeKind.tomogram
    public static let summary = "classes of all voxels, by the U-Net of the current training set"

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
        let application = NetworkApplication.Parameters()
    }
    public struct Inputs: Sendable {
        let application = NetworkApplication.Inputs(trainedBy: TrainMembraneStep.self)
    }
    public struct Outputs: Sendable {
        package let labels = ArtifactOutput<Segmentation>("labels", evictable: false)
        package let probability = ArtifactOutput<ClassProbabilities>("probability", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let application = try NetworkApplication(item.base, item.inputs.application, item.parameters.application)
        let (architecture, shape) = (application.network.architecture, application.volume.shape)
        let isDeep = architecture.receptiveRadius.depth > 0
        let (block, margin) = (try item.parameters.block, try item.parameters.margin)
        let window = try NetworkApplication.window(
            of: architecture, patch: application.description.patchSize, block: block > 0 ? block : isDeep ? 128 : 1024,
            margin: margin >= 0 ? margin : isDeep ? 16 : nil, taper: item.parameters.taper, shape: shape)
        let classes = application.description.classes
        let threshold = try item.parameters.threshold
        let learned = threshold > 0 ? nil : application.description.thresholds
        let thresholds = learned ?? classes.map { _ in threshold > 0 ? threshold : 0.5 }
        let file = try application.run(window, .softmax, bytesPerVoxel: classes.count + 1) {
            Self.encode($0, thresholds: thresholds.map { Float($0) })
        }

        let voxelVolume = application.voxelSize.volumeInCubicNanometers
        let leastVoxels = try Int((item.parameters.smallestVolume / voxelVolume).rounded(.up))
        var counts: [Int] = []
        try item.give(\.labels) {
            counts = try Segmentation.write(
                file, shape: shape, classes: classes, leastVoxels: leastVoxels, to: $0)
        }
        try item.give(\.probability) {
            try ClassProbabilities.write(file, shape: shape, classes: classes, to: $0)
        }
        for (name, count) in zip(classes, counts.dropFirst()) {
            item.record("\(name)/fraction", Double(count) / Double(shape.count))
            item.record("\(name)/volume_nm3", Double(count) * voxelVolume)
        }
    }

    /// Encodes the probabilities of a slice as bytes: first the label of each pixel, then the probability of each class times 255. The label
    /// is the class whose probability is the largest multiple of its threshold, of those that reach theirs.
    ///
    /// - Parameters:
    ///   - values: the probabilities `[y][x][output]`; output 0 is the ground.
    ///   - thresholds: of the classes, without the ground.
    static func encode(_ values: [Float], thresholds: [Float]) -> [UInt8] {
        let outputs = thresholds.count + 1
        let pixels = values.count / outputs
        var bytes = [UInt8](repeating: 0, count: pixels * outputs)
        for pixel in 0..<pixels {
            let first = pixel * outputs
            var (best, label) = (Float(1), 0)
            for output in 1..<outputs {
                let probability = values[first + output]
                bytes[output * pixels + pixel] = UInt8((min(max(probability, 0), 1) * 255).rounded())
                let multiple = probability / max(thresholds[output - 1], 1e-6)
                if multiple >= best { (best, label) = (multiple, output) }
            }
            bytes[pixel] = UInt8(label)
        }
        return bytes
    }
}
