import Engine
import Foundation
import Tensors
import Training
import Volumes

/// A trained network and the tomogram that it is applied to: what ``SegmentStep`` and ``PickStep`` declare and open alike.
struct NetworkApplication {
    /// The inputs of a step that applies a network.
    public struct Inputs: DeclarationGroup {
        let voxels = Input.voxels
        let histogram = Input(DescribeStep.self, \.histogram)
        let calibration = Input(CalibrateStep.self, \.voxelSize)
        let network: Input<TrainedNetwork>

        /// - Parameter step: the step that trains the network.
        init<S: TypedStep>(trainedBy step: S.Type) where S.Outputs == TrainingOutputs { network = Input(step, \.network) }
    }

    /// The parameters of a step that applies a network.
    public struct Parameters: DeclarationGroup {
        let voxelSizeTolerance = Parameter.real(
            "voxel_size_tolerance", default: 0.05, in: 0...10, "part by which the voxel size may differ from the training set's")
    }

    let network: any Network
    /// What the network was trained on.
    let description: NetworkDescription
    let volume: any Volume
    /// The voxel size of the tomogram.
    let voxelSize: VoxelSize
    private let scaling: DensityScaling
    private let item: StepItem

    /// Opens the network and the tomogram of an item.
    ///
    /// - Throws: ``PipelineError`` where the voxel size of the tomogram is not known, or differs by more than the tolerance from that of the
    ///   training; ``CheckpointError`` or ``TrainingError`` where the network cannot be read.
    init(_ item: StepItem, _ inputs: InputValues<Inputs>, _ parameters: ParameterValues<Parameters>) throws {
        self.item = item
        (network, description) = try inputs.network.open(in: item.workspace())
        voxelSize = try inputs.calibration.voxelSize(of: item.scope)
        try NetworkScale(
            voxelSizeInAngstroms: description.voxelSizeInAngstroms, tolerance: parameters.voxelSizeTolerance
        ).check(voxelSize, of: item.scope.tomogram)
        volume = try inputs.voxels.open()
        scaling = try DensityScaling(inputs.histogram.histogram, of: item.scope.tomogram)
    }

    /// Applies the network to the whole tomogram, and writes the results slice by slice to a file of the item's workspace. A run that was
    /// stopped continues from that file, with the same bits.
    ///
    /// - Parameters:
    ///   - window: the blocks, as ``window(of:patch:block:margin:taper:shape:)`` gives them.
    ///   - activation: how logits become probabilities.
    ///   - bytesPerVoxel: the number of bytes that `encode` makes of each voxel.
    ///   - encode: makes the bytes of a slice from its probabilities `[y][x][output]`.
    /// - Complexity: a pass of the network over all blocks that are not in the file yet; memory for one layer of blocks.
    func run(
        _ window: Window, _ activation: SegmentationLoss.OutputActivation, bytesPerVoxel: Int, encode: ([Float]) -> [UInt8]
    ) throws -> SliceFile {
        let file = try SliceFile(
            item.workspace().appending(path: "slices"), sliceBytes: volume.shape.voxelsPerSlice * bytesPerVoxel)
        let grid = BlockGrid(shape: volume.shape, window: window)
        guard file.count < volume.shape.z else { return file }
        // The last layer of blocks that continues without a gap after the slices in the file.
        let first = (0..<grid.layers).last { grid.slices(finishedBy: $0).lowerBound <= file.count } ?? 0
        try file.truncate(to: grid.slices(finishedBy: first).lowerBound)
        let begin = Double(first) / Double(grid.layers)
        let start = ContinuousClock.now
        try SlidingWindow(grid: grid, outputs: network.architecture.outputs).run(
            from: first,
            read: { box in
                try item.checkCancellation()
                return scaling.normalized(try volume.read(box).floats())
            },
            network: { activation.probabilities(network.logits($0)) },
            progress: { done, total in
                let part = Double(done) / Double(total)
                let left = (ContinuousClock.now - start) / .seconds(1) * (1 - part) / max(part, 1e-9)
                item.report(begin + (1 - begin) * part, "block \(done) of \(total), \(Self.text(left)) left")
            },
            emit: { _, values in try file.append(encode(values)) })
        // Returns the memory before the next item begins.
        Tensor.releaseUnusedMemory()
        return file
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 90
            ? "\(Int(seconds)) s" : seconds < 5400 ? "\(Int(seconds / 60)) min" : String(format: "%.1f h", seconds / 3600)
    }
}
