import Basics
import Engine
import Foundation
import Tensors
import Training
import Volumes

/// Runs a trained network over a whole tomogram and writes its results slice by slice to a file of the item's workspace. A run that was
/// stopped continues from that file, with the same bits.
struct NetworkRun {
    let network: any Network
    let scaling: DensityScaling
    let volume: any Volume
    let window: Window
    /// Converts the logits of a block to probabilities, as many for each voxel.
    let probabilities: (Tensor) -> Tensor
    let outputs: Int

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

    /// Blocks with the side of the patches. The network's arrays need no more memory for them than in training; the rest of the memory is for
    /// results.
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

    /// Computes the slices that are not in the file yet.
    ///
    /// - Parameter encode: makes the bytes of a slice from its probabilities `[y][x][output]`.
    /// - Complexity: a pass of the network over all remaining blocks; memory for one layer of blocks.
    func run(_ item: StepItem, into file: SliceFile, encode: ([Float]) -> [UInt8]) throws {
        let grid = BlockGrid(shape: volume.shape, window: window)
        guard file.count < volume.shape.z else { return }
        // The last layer of blocks that continues without a gap after the slices in the file.
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
        // Returns the memory before the next item begins.
        Tensor.releaseUnusedMemory()
    }

    private static func text(_ seconds: Double) -> String {
        seconds < 90
            ? "\(Int(seconds)) s" : seconds < 5400 ? "\(Int(seconds / 60)) min" : String(format: "%.1f h", seconds / 3600)
    }
}

/// Slices of bytes in a file of an item's workspace, one after the other. After a kill, the slices that were synced are still there and are not
/// computed again.
///
/// A second file has the number of synced slices. It is replaced after the slices themselves were synced.
final class SliceFile {
    private let handle: FileHandle
    private let countFile: SmallFile
    let sliceBytes: Int
    /// The number of slices.
    private(set) var count: Int
    private var noted = ContinuousClock.now

    /// The shortest time between two syncs.
    private static let interval = Duration.seconds(2)

    /// - Throws: ``PipelineError`` where the file cannot be made; ``VolumeError`` where the number of its slices exists and cannot be read, so that
    ///   hours of work are not discarded because of that.
    init(_ file: URL, sliceBytes: Int) throws {
        countFile = try SmallFile(file.appendingPathExtension("count").path)
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

    /// Discards all slices from a number on.
    func truncate(to slices: Int) throws {
        count = min(count, slices)
        try handle.truncate(atOffset: UInt64(count * sliceBytes))
        try note()
    }

    /// Appends a slice.
    ///
    /// - Precondition: there are ``sliceBytes`` bytes.
    func append(_ bytes: [UInt8]) throws {
        precondition(bytes.count == sliceBytes, "\(bytes.count) bytes are no slice of \(sliceBytes)")
        try handle.seek(toOffset: UInt64(count * sliceBytes))
        try handle.write(contentsOf: bytes)
        count += 1
        if ContinuousClock.now - noted > Self.interval { try note() }
    }

    /// Reads a range of the bytes of a slice.
    ///
    /// - Throws: ``PipelineError`` where the file is too short.
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
