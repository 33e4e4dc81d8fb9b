public import CatalogSchema
public import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Finds particles in a whole tomogram with the picker of the current training set (method.md, section 7).
///
/// Blocks have the side of the patches of training along each axis, whatever the tomogram's shape: the position of a voxel in its block is
/// an input of the picker (CoordConv).
public struct PickStep: TypedStep {
    public static let name = "pick"
    public static let version = 2
    public static let scope = ScopeKind.tomogram
    public static let summary = "particles, by the picker of the current training set"

    public struct Parameters: Sendable {
        let margin = Parameter.integer("margin", default: 12, in: 0...128, "voxels thrown away at cut faces")
        let score = Parameter.real(
            "score", default: 0.9, in: 0...1, "least score of a particle; 0 keeps all, for curves of precision and recall")
        let voxelSizeTolerance = Parameter.real(
            "voxel_size_tolerance", default: 0.05, in: 0...10, "part by which the voxel size may differ from the training set's")
    }
    public struct Inputs: Sendable {
        let voxels = Input.voxels
        let histogram = Input(DescribeStep.self, \.histogram)
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let network = Input(TrainParticlesStep.self, \.network)
    }
    public struct Outputs: Sendable {
        package let particles = ArtifactOutput<Picks>("particles", evictable: false)
    }
    public static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())
    public static let retiredParameters = ["block"]

    public init() {}

    public func run(_ item: Item<Self>) throws {
        let (network, description) = try item.inputs.network.open(in: item.workspace())
        guard description.diametersInAngstroms.count == description.classes.count,
            network.architecture.outputs == description.classes.count
        else { throw PipelineError("the picker does not say how large its particles are; train it again with `cellar run`") }
        let voxelSize = try item.inputs.calibration.voxelSize(of: item.scope)
        try NetworkScale(
            voxelSizeInAngstroms: description.voxelSizeInAngstroms, tolerance: item.parameters.voxelSizeTolerance
        ).check(voxelSize, of: item.scope.tomogram)
        let volume = try item.inputs.voxels.open()
        let shape = volume.shape
        let reading = SegmentationLoss(.independent)
        let run = try NetworkRun(
            network: network,
            scaling: DensityScaling(
                item.inputs.histogram.histogram, of: item.scope.tomogram),
            volume: volume,
            window: NetworkRun.window(
                network.architecture, patch: description.patchSize, margin: item.parameters.margin, taper: 0, shape: shape),
            probabilities: reading.probabilities, outputs: network.architecture.outputs)
        let outputs = network.architecture.outputs
        let file = try SliceFile(item.workspace().appending(path: "slices"), sliceBytes: shape.sliceCount * outputs)
        try run.run(item.base, into: file) { values in
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
        try item.give(\.particles, Picks(particles, classes: description.classes))
        try item.record(particles)
        for name in description.classes { item.record("\(name)/objects", Double(particles.count { $0.class == name })) }
    }

    /// The peaks of each class's probabilities, as balls of the class's diameter.
    ///
    /// - Complexity: reads the probabilities of all voxels once.
    private func particles(
        _ item: Item<Self>, _ file: SliceFile, _ shape: VolumeShape, _ description: NetworkDescription, _ voxelSize: VoxelSize
    ) throws -> [FoundObject] {
        let least = try Float(item.parameters.score)
        let voxel = SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms)
        var particles: [FoundObject] = []
        for (number, (name, diameter)) in zip(description.classes, description.diametersInAngstroms).enumerated() {
            var finder = try PeakFinder(
                height: shape.y, width: shape.x, diameterInVoxels: diameter / description.voxelSizeInAngstroms)
            for z in 0..<shape.z {
                try item.checkCancellation()
                try finder.append(file.read(z, Segmentation.part(number, of: shape)))
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
