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

    /// - Throws: ``TrainingError`` if `outputs` is below 1.
    public init(grid: BlockGrid, outputs: Int) throws(TrainingError) {
        guard outputs >= 1 else { throw TrainingError("a network has \(outputs) outputs, but needs at least one") }
        self.grid = grid
        self.outputs = outputs
    }

    /// Runs the network over all layers from `firstLayer` on.
    ///
    /// An interrupted run resumes with the layer that makes the next slice final (``BlockGrid/slices(finishedBy:)``), and emits
    /// the same bits. If layers are blended, the preceding layer is computed again.
    ///
    /// - Parameters:
    ///   - firstLayer: the layer to begin with; the first slice of its ``BlockGrid/slices(finishedBy:)`` is emitted first.
    ///   - read: returns the values `[z][y][x]` of a box inside the volume, normalised as the network expects. Called once for
    ///     each block.
    ///   - network: maps ``BlockGrid/inputShape``, `[1, D, H, W, 1]`, to `[1, D, H, W, outputs]`.
    ///   - isCancelled: called before each block; true ends the run with a `CancellationError`.
    ///   - progress: called after each block with the number of blocks done and the total number.
    ///   - emit: receives the z of a slice and its values, `[y][x][output]`.
    /// - Throws: What the closures throw; `CancellationError`; ``TrainingError`` if a closure returns an array of another size or
    ///   shape, or there is no such layer.
    /// - Complexity: the network's cost for each block, overlaps included; in addition some ten operations for each voxel.
    public func run(
        from firstLayer: Int = 0,
        read: (Box) throws -> [Float],
        network: (Tensor) throws -> Tensor,
        isCancelled: () -> Bool = { false },
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in },
        emit: (_ z: Int, _ values: [Float]) throws -> Void
    ) throws {
        guard (0..<grid.layers).contains(firstLayer) else {
            throw TrainingError("there is no layer \(firstLayer): the volume has layers 0 … \(grid.layers - 1)")
        }
        let isBlended = firstLayer > 0 && !grid.z.zones[firstLayer - 1].isEmpty
        let layers = (isBlended ? firstLayer - 1 : firstLayer)..<grid.layers
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
                            "the network made \(output.shape) of \(grid.inputShape), but was to give each voxel "
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
    private func input(_ block: PaddedBox, read: (Box) throws -> [Float]) throws -> Tensor {
        guard let box = block.clipped(to: grid.shape.box) else { throw TrainingError("a block lies outside the volume") }
        let values = try read(box)
        guard values.count == box.shape.count else {
            throw TrainingError("\(values.count) values were read for a box of \(box.shape) voxels")
        }
        return Tensor(shape: grid.inputShape) { block.replicate(values, of: box, into: $0) }
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
