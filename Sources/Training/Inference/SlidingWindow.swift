public import Basics
public import Tensors
public import Volumes

/// Sliding-window inference: runs a network over a volume of any size, block by block, and blends the results.
///
/// Where blocks overlap, their results are blended with weights that rise and fall linearly along each axis and add up to 1.
/// Where all blocks agree in every bit, the result is that value in every bit: a network that returns its input returns the
/// volume. A NaN of a block appears in the result only at that voxel.
///
/// Blocks are computed layer after layer. Each slice is emitted as soon as it is final, in ascending z. The memory is
/// ``BlockGrid/memory(outputs:)``.
///
/// ```swift
/// let sliding = try SlidingWindow(grid: BlockGrid(shape: volume.shape, window: window), outputs: 1)
/// try sliding.run(read: { box in try normalized(box) }, network: { input in try unet(input) }) { z, values in
///     try writer.append(values)
/// }
/// ```
public struct SlidingWindow: Sendable {
    public let grid: BlockGrid
    /// The number of values that the network returns for each voxel.
    public let outputs: Int
    /// The number of slices before and after a block that the network's input has (``NetworkArchitecture/context``).
    public let context: Int

    /// - Throws: ``TrainingError`` if `outputs` is below 1, or `context` below 0.
    public init(grid: BlockGrid, outputs: Int, context: Int = 0) throws(TrainingError) {
        guard outputs >= 1, context >= 0 else {
            throw TrainingError(
                "a network cannot have \(outputs) outputs and see \(context) slices on each side; give 1 or more, and 0 or more")
        }
        (self.grid, self.outputs, self.context) = (grid, outputs, context)
    }

    /// Runs the network over all layers from `firstLayer` on, or up to `lastLayer`.
    ///
    /// An interrupted run resumes with the layer that makes the next slice final (``BlockGrid/slices(finishedBy:)``), and emits
    /// the same bits. If layers are blended, the preceding layer is computed again.
    ///
    /// - Parameters:
    ///   - firstLayer: the layer to begin with; the first slice of its ``BlockGrid/slices(finishedBy:)`` is emitted first.
    ///   - lastLayer: the layer to end with; nil for the last one of the volume. The slices that it finishes have the bits that
    ///     they have in a run over the whole volume.
    ///   - read: returns the values `[z][y][x]` of a box inside the volume, normalised as the network expects. Called once for
    ///     each block.
    ///   - network: maps a block of ``BlockGrid/inputShape``, `[1, D, H, W, 1]`, with ``context`` more slices at each end, to
    ///     `[1, D, H, W, outputs]`.
    ///   - isCancelled: called before each block; true ends the run with a `CancellationError`.
    ///   - progress: called after each block with the number of blocks done and the total number.
    ///   - emit: receives the z of a slice and its values, `[y][x][output]`.
    /// - Throws: What the closures throw; `CancellationError`; ``TrainingError`` if a closure returns an array of another size or
    ///   shape, or there is no such layer.
    /// - Complexity: the network's cost for each block, overlaps included; in addition some ten operations for each voxel.
    public func run(
        from firstLayer: Int = 0,
        through lastLayer: Int? = nil,
        read: (Box) throws -> [Float],
        network: (Tensor) throws -> Tensor,
        isCancelled: () -> Bool = { false },
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        emit: (_ z: Int, _ values: [Float]) throws -> Void
    ) throws {
        guard (0..<grid.layers).contains(firstLayer) else {
            throw TrainingError("there is no layer \(firstLayer); give 0 to \(grid.layers - 1)")
        }
        let last = lastLayer ?? grid.layers - 1
        guard (firstLayer..<grid.layers).contains(last) else {
            throw TrainingError("there are no layers \(firstLayer) … \(last); give 0 to \(grid.layers - 1), the first one first")
        }
        let isBlended = firstLayer > 0 && !grid.z.zones[firstLayer - 1].isEmpty
        let layers = (isBlended ? firstLayer - 1 : firstLayer)..<last + 1
        let (sliceValues, blocks) = (grid.shape.voxelsPerSlice * outputs, layers.count * grid.blocksPerLayer)
        // After each layer, the slices that the next layer blends with are moved to the front.
        var results = [Float](repeating: 0, count: grid.layerDepth * sliceValues)
        var done = 0
        for layer in layers {
            for row in 0..<grid.y.count {
                for column in 0..<grid.x.count {
                    if isCancelled() { throw CancellationError() }
                    let output = try network(input(grid.block(layer: layer, row: row, column: column), read: read))
                    guard output.shape == Array(grid.inputShape.dropLast()) + [outputs] else {
                        throw TrainingError(
                            "the network made \(output.shape) of \(grid.inputShape); it must give each voxel "
                                + "\(outputs) \(outputs == 1 ? "value" : "values")")
                    }
                    blend(output, into: &results, layer: layer, row: row, column: column)
                    done += 1
                    progress(done, blocks)
                }
            }
            let (covered, finished) = (grid.z.covered(layer), grid.z.finished(layer))
            if layer >= firstLayer {
                for z in finished {
                    let start = (z - covered.lowerBound) * sliceValues
                    try emit(z, Array(results[start..<start + sliceValues]))
                }
            }
            results.withUnsafeMutableBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                base.update(
                    from: base + finished.count * sliceValues, count: (covered.upperBound - finished.upperBound) * sliceValues)
            }
        }
    }

    /// The network's input for a block; beyond the volume the outermost voxels are repeated.
    private func input(_ inner: PaddedBox, read: (Box) throws -> [Float]) throws -> Tensor {
        let block = PaddedBox(
            origin: (inner.z - context, inner.y, inner.x), size: (inner.depth + 2 * context, inner.height, inner.width))
        guard let box = block.clipped(to: grid.shape.box) else {
            throw TrainingError(mistake: .invalid, "a block lies outside the volume")
        }
        let values = try read(box)
        guard values.count == box.shape.count else {
            throw TrainingError("\(values.count) values were read for a box of \(box.shape) voxels; return one for each")
        }
        return Tensor(shape: [1, block.depth, block.height, block.width, 1]) { block.replicate(values, of: box, into: $0) }
    }

    /// Adds a block to the results of its layer as a running weighted mean: r ← r + w / W · (v − r), where r is the result, v the
    /// block's value, w the block's weight, and W the sum of the weights so far, w included. It is exact where v = r; the first
    /// block of a voxel is copied.
    private func blend(_ output: Tensor, into results: inout [Float], layer: Int, row: Int, column: Int) {
        let (zs, ys, xs) = (grid.z.covered(layer), grid.y.covered(row), grid.x.covered(column))
        let (zShares, yShares, xShares) = (grid.z.shares(layer), grid.y.shares(row), grid.x.shares(column))
        let origin = grid.block(layer: layer, row: row, column: column)
        output.withUnsafeBufferPointer { source in
            results.withUnsafeMutableBufferPointer { target in
                for (z, zShare) in zip(zs, zShares) {
                    for (y, yShare) in zip(ys, yShares) {
                        var from = ((z - origin.z) * origin.height + y - origin.y) * origin.width + xs.lowerBound - origin.x
                        var to = ((z - zs.lowerBound) * grid.shape.y + y) * grid.shape.x + xs.lowerBound
                        from *= outputs
                        to *= outputs
                        // The weight of the earlier layers and rows, then that of this row of blocks.
                        let earlier = zShare.earlier + zShare.own * yShare.earlier
                        let own = zShare.own * yShare.own
                        for xShare in xShares {
                            let weight = own * xShare.own
                            let ratio = weight / (earlier + own * xShare.earlier + weight)
                            for _ in 0..<outputs {
                                let (old, new) = (target[to], source[from])
                                target[to] = ratio == 1 || old == new ? new : old + ratio * (new - old)
                                from += 1
                                to += 1
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The sliding window of a network over a volume: one ``WindowAxis`` for each axis.
///
/// ```swift
/// let axis = try WindowAxis(block: 96, margin: 20, taper: 8, alignment: 8)
/// let volumetric = Window(z: axis, y: axis, x: axis)
/// let planar = Window(z: .single, y: axis, x: axis)       // a two-dimensional network, slice by slice
/// ```
public struct Window: Hashable, Sendable {
    public var z: WindowAxis
    public var y: WindowAxis
    public var x: WindowAxis
    /// The largest number of slices of a layer of blocks whose results are in memory at a time. A layer with more slices is
    /// computed several times, each time for the next slices. Results are the same in every bit.
    public private(set) var mostSlices = Int.max

    public init(z: WindowAxis, y: WindowAxis, x: WindowAxis) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// This window, changed so that it needs at most `bytes` of memory (``BlockGrid/memory(outputs:)``). Its blocks become as
    /// shallow along z as necessary. Where blocks keep their length, layers are computed several times instead, no more often
    /// than necessary.
    ///
    /// - Parameter outputs: the number of values that the network returns for each voxel.
    /// - Throws: ``TrainingError`` if the memory is not enough for the shallowest blocks.
    public func fitted(to shape: VolumeShape, outputs: Int, bytes: Int) throws(TrainingError) -> Window {
        var window = self
        var least = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
        if z.keepsLength {
            if least <= bytes { return window }
            // Each slice that is not kept saves the same number of bytes.
            let slice = MemoryLayout<Float>.size * shape.voxelsPerSlice * outputs
            let depth = BlockGrid(shape: shape, window: window).layerDepth
            window.mostSlices = depth - (least - bytes + slice - 1) / slice
            if window.mostSlices > z.taper { return window }
            throw Self.tooLarge(shape, outputs, least: least - (depth - z.taper - 1) * slice, bytes)
        }
        // A block deeper than the volume is cut to the volume's depth, so larger depths need the same memory.
        let deepest = max(min(z.block, shape.z.rounded(upToMultipleOf: z.alignment)), z.leastBlock)
        for depth in stride(from: deepest, through: z.leastBlock, by: -z.alignment) {
            window.z = try WindowAxis(block: depth, margin: z.margin, taper: z.taper, alignment: z.alignment)
            let memory = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
            if memory <= bytes { return window }
            least = min(least, memory)
        }
        throw Self.tooLarge(shape, outputs, least: least, bytes)
    }

    private static func tooLarge(_ shape: VolumeShape, _ outputs: Int, least: Int, _ bytes: Int) -> TrainingError {
        TrainingError(
            "to run a network with \(outputs) outputs over \(shape) voxels takes \(least) bytes beside the network's own, "
                + "but only \(bytes) are allowed; allow more, or choose smaller margins")
    }
}

/// The sliding window along one axis of a volume; lengths are in voxels.
///
/// Neighbouring blocks have ``overlap`` voxels in common. At the cut face of each block, the outermost `margin` voxels are
/// discarded: they are wrong, since the network did not see the voxels beyond the face. The next `taper` voxels are blended with
/// the neighbour's.
///
/// ```
/// block k      ────────────────blend│margin
///                       margin│blend────────────────      block k + 1
/// ```
public struct WindowAxis: Hashable, Sendable {
    /// The length of a block: the requested length, rounded up to a multiple of the alignment.
    public let block: Int
    /// The number of voxels discarded at a cut face. If it is at least the radius of the network's receptive field, results do
    /// not depend on the length of blocks, except for rounding where blocks blend.
    public let margin: Int
    /// The number of voxels over which neighbours blend, with linear weights.
    public let taper: Int
    /// The factor by which the network pools. Blocks begin at multiples of it, so that all blocks pool the same groups of voxels.
    public let alignment: Int
    /// Whether a block keeps its length on a shorter axis; the missing voxels repeat the outermost ones (edge replication).
    public let keepsLength: Bool

    /// - Parameters:
    ///   - block: the length of a block; rounded up to a multiple of the alignment.
    ///   - keepsLength: true for networks whose input includes the coordinates of voxels in the block (CoordConv): in a shorter
    ///     block the coordinates would differ from those in training.
    /// - Throws: ``TrainingError`` if a length is out of range, or the block is shorter than ``overlap`` + max(taper, 1) rounded
    ///   up to a multiple of the alignment.
    public init(
        block: Int, margin: Int = 0, taper: Int = 0, alignment: Int = 1, keepsLength: Bool = false
    ) throws(TrainingError) {
        for (name, value, least) in [
            ("block", block, 1), ("margin", margin, 0), ("taper", taper, 0), ("alignment", alignment, 1),
        ] where value < least || value > 1 << 20 {
            throw TrainingError("the \(name) of a window is \(value) voxels; it must be \(least) to \(1 << 20)")
        }
        self.block = block.rounded(upToMultipleOf: alignment)
        self.margin = margin
        self.taper = taper
        self.alignment = alignment
        self.keepsLength = keepsLength
        guard self.block >= leastBlock else {
            throw TrainingError(
                "blocks of \(block) voxels are too short for a margin of \(margin), a taper of \(taper) and an alignment of "
                    + "\(alignment); take \(leastBlock) or more")
        }
    }

    /// Blocks of one voxel without overlap: the window of a two-dimensional network along z.
    public static let single = WindowAxis()

    private init() {
        block = 1
        margin = 0
        taper = 0
        alignment = 1
        keepsLength = false
    }

    /// The number of voxels that neighbours have in common: two margins and a taper, rounded up to a multiple of the alignment.
    /// The last block of an axis may overlap by more.
    public var overlap: Int { (2 * margin + taper).rounded(upToMultipleOf: alignment) }

    /// The distance from the beginning of one block to that of the next.
    var step: Int { block - overlap }

    /// The length of the shortest block with this margin, taper and alignment.
    var leastBlock: Int { overlap + max(taper, 1).rounded(upToMultipleOf: alignment) }
}
