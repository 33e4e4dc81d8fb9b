import Basics
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
        let context = network.architecture.context
        var recent = RecentSlices(depth: 2 * context + 1) { box in scaling.normalized(try volume.read(box).floats()) }
        try SlidingWindow(grid: grid, outputs: network.architecture.outputs, context: context).run(
            from: first,
            read: { box in
                try item.checkCancellation()
                return context > 0 ? try recent.values(of: box) : scaling.normalized(try volume.read(box).floats())
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

/// The slices that blocks of a network with a context share: each part of a slice is read once, and kept for the next layers.
private struct RecentSlices {
    private struct Place: Hashable {
        let z: Int
        let y: Range<Int>
        let x: Range<Int>
    }

    /// The number of slices that a block sees.
    let depth: Int
    let read: (Box) throws -> [Float]
    private var kept: [Place: [Float]] = [:]

    init(depth: Int, read: @escaping (Box) throws -> [Float]) { (self.depth, self.read) = (depth, read) }

    /// The values of a box, `[z][y][x]`.
    ///
    /// - Complexity: memory for ``depth`` slices of the tomogram, where blocks come in ascending z.
    mutating func values(of box: Box) throws -> [Float] {
        for place in kept.keys where place.z <= box.z.upperBound - 1 - depth || place.z >= box.z.upperBound + depth {
            kept[place] = nil
        }
        var values: [Float] = []
        values.reserveCapacity(box.shape.count)
        for z in box.z {
            let place = Place(z: z, y: box.y, x: box.x)
            if kept[place] == nil, let slice = Box(z: z..<z + 1, y: box.y, x: box.x) { kept[place] = try read(slice) }
            values += kept[place] ?? []
        }
        return values
    }
}

extension NetworkApplication {
    /// The memory for the results of one layer of blocks, in bytes.
    private static let layerBytes = 400_000_000
    /// The memory for a network's own arrays, in bytes.
    private static let networkBytes = 900_000_000

    /// The blocks in which a network is run over a tomogram, and their margins.
    ///
    /// - Parameters:
    ///   - patch: the side of the patches of training. A network with coordinates as an input (``NetworkArchitecture/usesCoordinates``)
    ///     gets blocks of exactly this side along each axis, whatever the tomogram's shape.
    ///   - block: the side of a block for other networks, nil for the side of the patches. It is reduced where the network's arrays would take
    ///     too much memory.
    ///   - margin: the voxels at cut faces that are discarded; nil for the radius of the receptive field.
    ///   - taper: the voxels over which neighbouring blocks are blended.
    /// - Throws: ``TrainingError`` where blocks are too short for their margins, with the shortest side that is possible; ``PipelineError``
    ///   where blocks cannot have the side of the patches.
    static func window(
        of architecture: NetworkArchitecture, patch: Int, block: Int? = nil, margin: Int?, taper: Int, shape: VolumeShape
    ) throws -> Window {
        if architecture.usesCoordinates {
            return try window(of: architecture, patches: patch, margin: margin, taper: taper, shape: shape)
        }
        let block = block ?? patch
        let (alignment, radius) = (architecture.alignment, architecture.receptiveRadius)
        let isDeep = alignment.depth > 1 || radius.depth > 0
        let bytesPerVoxel = architecture.bytesPerVoxel
        let most = Double(networkBytes) / Double(bytesPerVoxel)
        let longest = Int(isDeep ? cbrt(most) : most.squareRoot()) / alignment.height * alignment.height
        func axis(_ length: Int, _ alignment: Int, _ radius: Int) throws -> WindowAxis {
            // A block that holds the whole axis has no cut face.
            let whole = length.rounded(upToMultipleOf: alignment)
            let side = min(block, longest)
            if whole <= side { return try WindowAxis(block: whole, alignment: alignment) }
            return try WindowAxis(block: side, margin: margin ?? radius, taper: taper, alignment: alignment)
        }
        let window = Window(
            z: isDeep ? try axis(shape.z, alignment.depth, radius.depth) : .single,
            y: try axis(shape.y, alignment.height, radius.height), x: try axis(shape.x, alignment.width, radius.width))
        return try window.fitted(to: shape, outputs: architecture.outputs, bytes: layerBytes)
    }

    /// Blocks with the side of the patches. The network's arrays need no more memory for them than in training; the rest of the memory is for
    /// results.
    private static func window(
        of architecture: NetworkArchitecture, patches side: Int, margin: Int?, taper: Int, shape: VolumeShape
    ) throws -> Window {
        func axis(_ alignment: Int, _ radius: Int) throws -> WindowAxis {
            guard side % alignment == 0 else {
                throw PipelineError(
                    "the network learned from patches of \(side) voxels, no multiple of \(alignment) as blocks are; train again"
                )
            }
            return try WindowAxis(
                block: side, margin: margin ?? radius, taper: taper, alignment: alignment, keepsLength: true)
        }
        let (alignment, radius) = (architecture.alignment, architecture.receptiveRadius)
        let window = Window(
            z: try axis(alignment.depth, radius.depth), y: try axis(alignment.height, radius.height),
            x: try axis(alignment.width, radius.width))
        let left = layerBytes + networkBytes - side * side * side * architecture.bytesPerVoxel
        return try window.fitted(to: shape, outputs: architecture.outputs, bytes: max(layerBytes, left))
    }
}
