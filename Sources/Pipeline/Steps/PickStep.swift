public import CatalogSchema
public import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Finds particles in a whole tomogram by the picker of the current training set (method.md, section 7).
///
/// Blocks are as long along each axis as the patches of training, on tomograms of any shape: the picker is told where in a block
/// a voxel is.
public struct PickStep: Step {
    public let name = "pick"
    public let version = 2
    public let scope = ScopeKind.tomogram
    public let summary = "particles, by the picker of the current training set"
    public let parameters: [Parameter] = [
        .integer("margin", default: 12, in: 0...128, "voxels thrown away at cut faces"),
        .real("score", default: 0.9, in: 0...1, "least score of a particle; 0 keeps all, for curves of precision and recall"),
        .real(
            "voxel_size_tolerance", default: 0.05, in: 0...10, "part by which the voxel size may differ from the training set's"),
    ]
    public let retiredParameters = ["block"]
    public let inputs = [
        StepInput.voxels, .output(of: "describe", named: "histogram"), .output(of: "calibrate", named: "voxel-size"),
        .output(of: "train-particles", named: "network"),
    ]
    public let outputs = [StepOutput.artifact("particles", evictable: false)]

    public init() {}

    public func run(_ item: StepItem) throws {
        let (network, description) = try NetworkArtifact.read(of: item, step: "train-particles")
        guard description.diametersInAngstroms.count == description.classes.count,
            network.architecture.outputs == description.classes.count
        else { throw PipelineError("the picker does not say how large its particles are; train it again with `cellar run`") }
        let voxelSize = try item.voxelSize()
        try NetworkScale(
            voxelSizeInAngstroms: description.voxelSizeInAngstroms, tolerance: item.real("voxel_size_tolerance")
        ).check(voxelSize, of: item.scope.tomogram)
        let volume = try item.openVolume()
        let shape = volume.shape
        let reading = SegmentationLoss(.independent)
        let run = try NetworkRun(
            network: network,
            scaling: DensityScaling(
                HistogramArtifact.read(item.artifact(of: "describe", named: "histogram")), of: item.scope.tomogram),
            volume: volume,
            window: NetworkRun.window(
                network.architecture, patch: description.patchSize, margin: item.integer("margin"), taper: 0, shape: shape),
            probabilities: reading.probabilities, outputs: network.architecture.outputs)
        let outputs = network.architecture.outputs
        let file = try SliceFile(item.workspace().appending(path: "slices"), sliceBytes: shape.sliceCount * outputs)
        try run.run(item, into: file) { values in
            let pixels = values.count / outputs
            var bytes = [UInt8](repeating: 0, count: values.count)
            for pixel in 0..<pixels {
                for output in 0..<outputs {
                    bytes[output * pixels + pixel] = UInt8((min(max(values[pixel * outputs + output], 0), 1) * 255).rounded())
                }
            }
            return bytes
        }
        let particles = try particles(item, file, shape, description, voxelSize)
        try item.give("particles", artifact: PicksArtifact.kind) {
            try PicksArtifact.write(particles, classes: description.classes, to: $0)
        }
        try item.record(particles)
        for name in description.classes { item.record("\(name)/objects", Double(particles.count { $0.class == name })) }
    }

    private func particles(
        _ item: StepItem, _ file: SliceFile, _ shape: VolumeShape, _ description: NetworkDescription, _ voxelSize: VoxelSize
    ) throws -> [FoundObject] {
        let least = try Float(item.real("score"))
        let voxel = SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms)
        var particles: [FoundObject] = []
        for (number, (name, diameter)) in zip(description.classes, description.diametersInAngstroms).enumerated() {
            var finder = try PeakFinder(
                height: shape.y, width: shape.x, diameterInVoxels: diameter / description.voxelSizeInAngstroms)
            for z in 0..<shape.z {
                try item.checkCancellation()
                try finder.append(file.read(z, SegmentationArtifact.part(number, of: shape)))
            }
            for peak in finder.finish() where peak.score >= least {
                let (centre, radius) = (peak.center * voxel, diameter / 2)
                let volume = 4 / 3 * Double.pi * radius * radius * radius
                particles.append(
                    FoundObject(
                        number: particles.count + 1, class: name, centroidInAngstroms: centre, radiusInAngstroms: radius,
                        voxels: max(1, Int((volume / (voxel.x * voxel.y * voxel.z)).rounded())),
                        volumeInCubicNanometers: volume / 1000, confidence: min(max(Double(peak.score), 0), 1),
                        boxMinimumInAngstroms: centre - radius, boxMaximumInAngstroms: centre + radius))
            }
        }
        return particles
    }
}
