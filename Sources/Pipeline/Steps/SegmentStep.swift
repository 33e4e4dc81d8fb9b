public import CatalogSchema
public import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Runs the U-Net of the current training set over a whole tomogram (method.md, row 11).
///
/// Two-dimensional networks get whole slices where these fit into a block, else blocks with a margin of the whole receptive field, so that the
/// size of the block does not change the result. In three dimensions such a margin costs too much: margins are shorter, and blocks are blended.
public struct SegmentStep: TypedStep {
    public static let name = "segment"
    public static let version = 2
    public static let scope = ScopeKind.tomogram
    public static let summary = "classes of all voxels, by the U-Net of the current training set"

    public struct Parameters: Sendable {
        let block = Parameter.integer(
            "block", default: 0, in: 0...8192, "side of a block in voxels; 0 for 1024 in two dimensions, 128 in three")
        let margin = Parameter.integer(
            "margin", default: -1, in: -1...1024,
            "voxels thrown away at cut faces; -1 for all that the network is not sure of, in three dimensions 16")
        let taper = Parameter.integer("taper", default: 8, in: 0...1024, "voxels over which blocks are blended")
        let threshold = Parameter.real("threshold", default: 0.5, in: 0...1, "least probability of a class")
        let smallestVolume = Parameter.real(
            "smallest_volume", default: 1000, in: 0...1e9, "of a connected piece of a class, in nm³; smaller ones become ground")
        let voxelSizeTolerance = Parameter.real(
            "voxel_size_tolerance", default: 0.05, in: 0...10, "part by which the voxel size may differ from the training set's")
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
        let histogram = Input(DescribeStep.self, \.histogram)
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let network = Input(TrainMembraneStep.self, \.network)
    }
    public struct Outputs: Sendable {
        package let labels = ArtifactOutput<Segmentation>("labels", evictable: false)
        package let probability = ArtifactOutput<ClassProbabilities>("probability", evictable: true)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let (network, description) = try item.inputs.network.open(in: item.workspace())
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        try NetworkScale(
            voxelSizeInAngstroms: description.voxelSizeInAngstroms, tolerance: item.parameters.voxelSizeTolerance
        ).check(voxelSize, of: item.scope.tomogram)
        let volume = try item.inputs.voxels.open()
        let shape = volume.shape
        let isDeep = network.architecture.receptiveRadius.depth > 0
        let (block, margin) = (try item.parameters.block, try item.parameters.margin)
        let window = try NetworkRun.window(
            network.architecture, patch: description.patchSize, block: block > 0 ? block : isDeep ? 128 : 1024,
            margin: margin >= 0 ? margin : isDeep ? 16 : nil, taper: item.parameters.taper, shape: shape)
        let reading = SegmentationLoss(.exclusive)
        let run = NetworkRun(
            network: network,
            scaling: try DensityScaling(
                item.inputs.histogram.histogram, of: item.scope.tomogram),
            volume: volume, window: window, probabilities: reading.probabilities, outputs: network.architecture.outputs)
        let classes = description.classes
        let file = try SliceFile(
            item.workspace().appending(path: "slices"), sliceBytes: shape.sliceCount * (classes.count + 1))
        let threshold = try Float(item.parameters.threshold)
        try run.run(item.base, into: file) { Self.encode($0, outputs: classes.count + 1, threshold: threshold) }

        let voxelVolume = voxelSize.volumeInCubicNanometers
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
    /// is the most probable class where its probability is at least the threshold and, with several classes, above that of the ground.
    ///
    /// - Parameters:
    ///   - values: the probabilities `[y][x][output]`; output 0 is the ground.
    ///   - outputs: the number of classes, and 1 for the ground.
    static func encode(_ values: [Float], outputs: Int, threshold: Float) -> [UInt8] {
        let pixels = values.count / outputs
        var bytes = [UInt8](repeating: 0, count: pixels * outputs)
        for pixel in 0..<pixels {
            let first = pixel * outputs
            var (best, label) = (threshold, 0)
            for output in 1..<outputs {
                let probability = values[first + output]
                bytes[output * pixels + pixel] = UInt8((min(max(probability, 0), 1) * 255).rounded())
                if probability >= best, outputs == 2 || probability > values[first] { (best, label) = (probability, output) }
            }
            bytes[pixel] = UInt8(label)
        }
        return bytes
    }
}
