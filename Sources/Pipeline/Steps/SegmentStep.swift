public import CatalogSchema
public import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Runs the U-Net of the current training set over a whole tomogram (method.md, row 11).
///
/// Two-dimensional networks see whole slices where these fit their block, and else so much beyond what they say that the block's size
/// changes nothing; in three dimensions that would be too dear, and blocks are blended.
public struct SegmentStep: Step {
    public let name = "segment"
    public let version = 2
    public let scope = ScopeKind.tomogram
    public let summary = "classes of all voxels, by the U-Net of the current training set"
    public let parameters: [Parameter] = [
        .integer("block", default: 0, in: 0...8192, "side of a block in voxels; 0 for 1024 in two dimensions, 128 in three"),
        .integer(
            "margin", default: -1, in: -1...1024,
            "voxels thrown away at cut faces; -1 for all that the network is not sure of, in three dimensions 16"),
        .integer("taper", default: 8, in: 0...1024, "voxels over which blocks are blended"),
        .real("threshold", default: 0.5, in: 0...1, "least probability of a class"),
        .real(
            "smallest_volume", default: 1000, in: 0...1e9, "of a connected piece of a class, in nm³; smaller ones become ground"),
        .real(
            "voxel_size_tolerance", default: 0.05, in: 0...10, "part by which the voxel size may differ from the training set's"),
    ]
    public let inputs = [
        StepInput.voxels, .output(of: "describe", named: "histogram"), .output(of: "calibrate", named: "voxel-size"),
        .output(of: "train-membrane", named: "network"),
    ]
    public let outputs = [StepOutput.artifact("labels", evictable: false), .artifact("probability", evictable: true)]

    public init() {}

    public func run(_ item: StepItem) throws {
        let (network, description) = try NetworkArtifact.read(of: item, step: "train-membrane")
        let voxelSize = try item.voxelSize()
        try NetworkScale(
            voxelSizeInAngstroms: description.voxelSizeInAngstroms, tolerance: item.real("voxel_size_tolerance")
        ).check(voxelSize, of: item.scope.tomogram)
        let volume = try item.openVolume()
        let shape = volume.shape
        let isDeep = network.architecture.receptiveRadius.depth > 0
        let (block, margin) = (try item.integer("block"), try item.integer("margin"))
        let window = try NetworkRun.window(
            network.architecture, patch: description.patchSize, block: block > 0 ? block : isDeep ? 128 : 1024,
            margin: margin >= 0 ? margin : isDeep ? 16 : nil, taper: item.integer("taper"), shape: shape)
        let reading = SegmentationLoss(.exclusive)
        let run = NetworkRun(
            network: network,
            scaling: try DensityScaling(
                HistogramArtifact.read(item.artifact(of: "describe", named: "histogram")), of: item.scope.tomogram),
            volume: volume, window: window, probabilities: reading.probabilities, outputs: network.architecture.outputs)
        let classes = description.classes
        let file = try SliceFile(
            item.workspace().appending(path: "slices"), sliceBytes: shape.sliceCount * (classes.count + 1))
        let threshold = try Float(item.real("threshold"))
        try run.run(item, into: file) { Self.encode($0, outputs: classes.count + 1, threshold: threshold) }

        let voxelVolume = voxelSize.xInAngstroms * voxelSize.yInAngstroms * voxelSize.zInAngstroms / 1000
        let leastVoxels = try Int((item.real("smallest_volume") / voxelVolume).rounded(.up))
        var counts: [Int] = []
        try item.give("labels", artifact: SegmentationArtifact.kind) {
            counts = try SegmentationArtifact.writeLabels(
                file, shape: shape, classes: classes, leastVoxels: leastVoxels, to: $0)
        }
        try item.give("probability", artifact: SegmentationArtifact.probabilityKind) {
            try SegmentationArtifact.writeProbabilities(file, shape: shape, classes: classes, to: $0)
        }
        for (name, count) in zip(classes, counts.dropFirst()) {
            item.record("\(name)/fraction", Double(count) / Double(shape.count))
            item.record("\(name)/volume_nm3", Double(count) * voxelVolume)
        }
    }

    /// Labels of a slice, then the probability of each class in 255ths: a class where it is the most probable one and not below the
    /// threshold.
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
