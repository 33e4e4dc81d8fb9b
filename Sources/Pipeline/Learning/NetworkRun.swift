import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Runs a trained network over a whole tomogram, slice by slice into a file of the item's workspace, and goes on where it was stopped.
struct NetworkRun {
    let network: any Network
    let scaling: DensityScaling
    let volume: any Volume
    let window: Window
    /// What becomes of the logits of a block: as many values for each voxel.
    let probabilities: (Tensor) -> Tensor
    let outputs: Int

    /// The memory that the results of one layer of blocks may take.
    private static let layerBytes = 400_000_000
    /// The memory that a network's own arrays may take.
    private static let networkBytes = 900_000_000

    /// How a network moves over a tomogram.
    ///
    /// - Parameters:
    ///   - patch: the side of the patches that the network learned from. One that is told where in a block a voxel is
    ///     (``NetworkArchitecture/usesCoordinates``) gets blocks of just this side along each axis, whatever the tomogram's
    ///     shape.
    ///   - block: the side of a block for other networks, nil for the patches'; less where the network's arrays would take too
    ///     much memory.
    ///   - margin: voxels at cut faces that are thrown away; nil for all that are not sure.
    /// - Throws: ``TrainingError`` where blocks are too short for their margins, with the shortest that will do;
    ///   ``PipelineError`` where blocks cannot be as long as patches were.
    static func window(
        _ architecture: NetworkArchitecture, patch: Int, block: Int? = nil, margin: Int?, taper: Int, shape: VolumeShape
    ) throws -> Window {
        if architecture.usesCoordinates {
            return try window(architecture, ofPatches: patch, margin: margin, taper: taper, shape: shape)
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

    /// Blocks that are patches. The network's arrays take no more for them than training did, and what they leave of the memory
    /// is for results.
    private static func window(
        _ architecture: NetworkArchitecture, ofPatches side: Int, margin: Int?, taper: Int, shape: VolumeShape
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

    /// Computes all slices that are not in the file yet.
    ///
    /// - Parameter encode: makes the bytes of a slice of its values, `[y][x][output]`.
    func run(_ item: StepItem, into file: SliceFile, encode: ([Float]) -> [UInt8]) throws {
        let grid = BlockGrid(shape: volume.shape, window: window)
        guard file.count < volume.shape.z else { return }
        // The last layer whose first slice follows what is there.
        let first = (0..<grid.layers).last { grid.slices(finishedBy: $0).lowerBound <= file.count } ?? 0
        try file.truncate(to: grid.slices(finishedBy: first).lowerBound)
        let begin = Double(first) / Double(grid.layers)
        let start = ContinuousClock.now
        try SlidingWindow(grid: grid, outputs: outputs).run(
            from: first,
            read: { box in
                try item.checkCancellation()
                return scaling.normalized(try volume.read(box).floats())
            },
            network: { probabilities(network.logits($0)) },
            progress: { done, total in
                let part = Double(done) / Double(total)
                let left = (ContinuousClock.now - start) / .seconds(1) * (1 - part) / max(part, 1e-9)
                item.report(begin + (1 - begin) * part, "block \(done) of \(total), \(Self.text(left)) left")
            },
            emit: { _, values in try file.append(encode(values)) })
        // What it took is given back before the next item begins.
        Tensor.releaseUnusedMemory()
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 90
            ? "\(Int(seconds)) s" : seconds < 5400 ? "\(Int(seconds / 60)) min" : String(format: "%.1f h", seconds / 3600)
    }
}

/// Slices of bytes in a file of an item's workspace, one after the other: what is there after a kill need not be computed again.
///
/// How many slices are on the disk stands in a file of its own, which is replaced after the slices themselves were synced.
final class SliceFile {
    private let handle: FileHandle
    private let countFile: WholeFile
    let sliceBytes: Int
    /// How many slices there are.
    private(set) var count: Int
    private var noted = ContinuousClock.now

    /// Slices are synced this often at most.
    private static let interval = Duration.seconds(2)

    /// - Throws: ``PipelineError`` where the file cannot be made, ``VolumeError`` where the count of its slices is there and cannot be
    ///   read: hours of work are not begun anew for that.
    init(_ file: URL, sliceBytes: Int) throws {
        countFile = try WholeFile(file.appendingPathExtension("count").path)
        self.sliceBytes = sliceBytes
        if access(file.path, F_OK) != 0, errno == ENOENT {
            guard FileManager.default.createFile(atPath: file.path, contents: nil) else {
                throw PipelineError("\(file.path) cannot be made; check disk and permissions")
            }
        }
        handle = try FileHandle(forUpdating: file)
        let synced = try countFile.read(limit: 100).flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        let present = Int(try handle.seekToEnd()) / max(sliceBytes, 1)
        count = max(0, min(synced, present))
    }

    deinit { try? handle.close() }

    /// Forgets all slices from a number on.
    func truncate(to slices: Int) throws {
        count = min(count, slices)
        try handle.truncate(atOffset: UInt64(count * sliceBytes))
        try note()
    }

    /// - Precondition: as many bytes as a slice has.
    func append(_ bytes: [UInt8]) throws {
        precondition(bytes.count == sliceBytes, "\(bytes.count) bytes are no slice of \(sliceBytes)")
        try handle.seek(toOffset: UInt64(count * sliceBytes))
        try handle.write(contentsOf: bytes)
        count += 1
        if ContinuousClock.now - noted > Self.interval { try note() }
    }

    /// Some bytes of a slice.
    func read(_ slice: Int, _ range: Range<Int>) throws -> [UInt8] {
        try handle.seek(toOffset: UInt64(slice * sliceBytes + range.lowerBound))
        let data = try handle.read(upToCount: range.count) ?? Data()
        guard data.count == range.count else {
            throw PipelineError("a file of partial results became shorter while it was read; run again")
        }
        return [UInt8](data)
    }

    private func note() throws {
        try handle.synchronize()
        try countFile.replace(Array("\(count)".utf8))
        noted = .now
    }
}
