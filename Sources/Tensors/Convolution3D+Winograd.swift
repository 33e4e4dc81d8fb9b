internal import CKernels

/// Convolutions with kernels of 1 × 3 × 3 and 3 × 3 × 3 by Winograd's F(4×4, 3×3) in the planes (Lavin and Gray, CVPR 2016), with
/// a quarter of the multiplications. A kernel of depth 3 is three two-dimensional ones, whose products are summed in the
/// transformed domain: each slice is transformed only once for the three results that need it.
extension Convolution3D {
    /// Input channels whose transformed weights a thread holds at a time.
    private var block: Int { min((inputs + 15) / 16 * 16, 64) }

    /// The convolution, `[N, D, H, W, outputs]`; with a ReLU where `isRectified`.
    func applyWinograd(
        _ weight: PackedMatrix, bias: Tensor?, isRectified: Bool, to x: Tensor, into result: UnsafeMutablePointer<Float>
    ) {
        let groups = TileGroup.groups(of: x, depth: kernel.depth, most: 128)
        let panels = (outputs + PackedMatrix.panelWidth - 1) / PackedMatrix.panelWidth
        let block = block
        let performGroup = { (number: Int) in
            let group = groups[number]
            let transformedTiles = (group.slices.count + kernel.depth - 1) * group.strip
            // As many input channels at a time as leave the transformed tiles in the last-level cache.
            let channels = max(32_768 / transformedTiles / block, 1) * block
            let plane = transformedTiles * block + 16
            let blocks = (min(channels, inputs) + block - 1) / block
            TensorStorage.withScratch(36 * blocks * plane) { transformed in
                for channel in Swift.stride(from: 0, to: inputs, by: channels) {
                    let some = min(channels, inputs - channel)
                    let isLast = channel + some == inputs
                    transform(x, group: group, channels: channel..<channel + some, block: block, plane: plane, to: transformed)
                    Threads.perform(panels) { panel in
                        let column = panel * PackedMatrix.panelWidth
                        let target = result + group.firstVoxel(group.slices.lowerBound) * outputs + column
                        TensorStorage.withScratch(ck_winograd_scratch(group.count, block)) { scratch in
                            var work = ck_winograd(
                                numbers: CK_FLOAT32, input_scales: nil, weight_scales: nil, scale_plane: 0, tiles: group.tiles,
                                first_tile: 0, count: group.count, transformed: transformed, plane: plane,
                                block: block, depth: kernel.depth, depth_step: group.strip * block, inputs: inputs,
                                first_input: channel, some: some, outputs: outputs,
                                columns: min(PackedMatrix.panelWidth, outputs - column), panel: weight.panel(panel),
                                bias: channel == 0 ? bias.map { UnsafePointer($0.storage.base + column) } : nil,
                                add: channel == 0 ? nil : UnsafePointer(target), is_rectified: isRectified && isLast ? 1 : 0,
                                result: target, scratch: scratch)
                            ck_winograd_products(&work)
                        }
                    }
                }
            }
        }
        // Many groups run at the same time, each on one thread. Few would leave threads idle; then panels run at the same time.
        if groups.count >= 16 {
            Threads.perform(groups.count, performGroup)
        } else {
            for number in groups.indices { performGroup(number) }
        }
    }

    /// The gradient with respect to the weight by the transposed algorithm: the gradients of a tile's results are transformed to
    /// the 36 positions by A, multiplied there with the transformed input, summed over all tiles, and transformed back by Gᵀ.
    func winogradWeightGradient(_ x: Tensor, _ gradient: Tensor) -> Tensor {
        let width = PackedMatrix.panelWidth
        let panels = (outputs + width - 1) / width
        let block = (inputs + 15) / 16 * 16
        let sumPlane = inputs * width
        // `[panel][depth][36][inputs][32]`
        let sums = TensorStorage(count: panels * kernel.depth * 36 * sumPlane)
        Threads.perform(panels * kernel.depth * 36) { (sums.base + $0 * sumPlane).update(repeating: 0, count: sumPlane) }
        for group in TileGroup.groups(of: x, depth: kernel.depth, most: 256) {
            let transformedTiles = (group.slices.count + kernel.depth - 1) * group.strip
            let plane = transformedTiles * block + 16
            let panelPlane = group.count * width + 16
            TensorStorage.withScratch(36 * plane) { transformed in
                TensorStorage.withScratch(panels * 36 * panelPlane) { moved in
                    transform(x, group: group, channels: 0..<inputs, block: block, plane: plane, to: transformed)
                    let source = gradient.storage.base + group.firstVoxel(group.slices.lowerBound) * outputs
                    Threads.perform(group.count) { tile in
                        var tiles = group.tiles
                        for panel in 0..<panels {
                            ck_winograd_gradient(
                                &tiles, tile, source + panel * width, outputs, min(width, outputs - panel * width),
                                moved + panel * 36 * panelPlane + tile * width, panelPlane)
                        }
                    }
                    Threads.perform(panels * 36) { task in
                        let (panel, position) = task.quotientAndRemainder(dividingBy: 36)
                        for depth in 0..<kernel.depth {
                            ck_gemm_accumulate(
                                inputs, min(width, outputs - panel * width), group.count,
                                transformed + position * plane + depth * group.strip * block, 1, block,
                                moved + task * panelPlane,
                                sums.base + ((panel * kernel.depth + depth) * 36 + position) * sumPlane)
                        }
                    }
                }
            }
        }
        let weights = TensorStorage(count: panels * kernel.depth * 9 * sumPlane)
        Threads.perform(panels * kernel.depth) { part in
            ck_winograd_weight_gradient(
                sums.base + part * 36 * sumPlane, sumPlane, inputs, min(width, outputs - part / kernel.depth * width),
                weights.base + part * 9 * sumPlane)
        }
        return Tensor(shape: weightShape) { unpack(weights.base, into: $0) }
    }

    /// Winograd's input transform of some channels of all tiles that a group's results read, slice by slice. Slices outside of
    /// the volume are zeros.
    private func transform(
        _ x: Tensor, group: TileGroup, channels: Range<Int>, block: Int, plane: Int, to transformed: UnsafeMutablePointer<Float>
    ) {
        let before = kernel.depth / 2
        let tilesOfTask = 8
        let count = (group.slices.count + 2 * before) * group.strip
        Threads.perform((count + tilesOfTask - 1) / tilesOfTask) { task in
            for tile in task * tilesOfTask..<min((task + 1) * tilesOfTask, count) {
                let slice = group.slices.lowerBound - before + tile / group.strip
                let target = transformed + tile * block
                guard 0..<group.extent.depth ~= slice else {
                    for first in Swift.stride(from: 0, to: channels.count, by: block) {
                        for position in 0..<36 {
                            (target + (first / block * 36 + position) * plane).update(repeating: 0, count: block)
                        }
                    }
                    continue
                }
                let rest = tile % group.strip
                ck_winograd_input(
                    x.storage.base + group.firstVoxel(slice) * inputs + channels.lowerBound, group.extent.height,
                    group.extent.width, inputs, channels.count, (group.rows.lowerBound + rest / group.columns.count) * 4 - 1,
                    (group.columns.lowerBound + rest % group.columns.count) * 4 - 1, nil, nil, target, plane, block)
            }
        }
    }
}

/// Tiles of 4 × 4 voxels that are computed together: some rows and columns of tiles in some slices of one volume.
private struct TileGroup {
    let volume: Int
    let extent: Extent3D
    let slices: Range<Int>
    let rows: Range<Int>
    let columns: Range<Int>

    /// Tiles in one slice.
    var strip: Int { rows.count * columns.count }
    var count: Int { slices.count * strip }

    var tiles: ck_tiles {
        ck_tiles(
            height: extent.height, width: extent.width, top: rows.lowerBound, left: columns.lowerBound, down: rows.count,
            across: columns.count)
    }

    /// The index of a slice's first voxel in the batch.
    func firstVoxel(_ slice: Int) -> Int { (volume * extent.depth + slice) * extent.height * extent.width }

    /// Divides all tiles of a batch into groups of about equal size, of `most` tiles or a few more.
    ///
    /// - Parameter depth: of the kernel.
    static func groups(of x: Tensor, depth: Int, most: Int) -> [TileGroup] {
        // With a kernel of depth 1 slices are independent: the slices of all volumes count as those of one volume.
        let extent = depth == 1 ? Extent3D(x.shape[0] * x.shape[1], x.shape[2], x.shape[3]) : x.extent
        let volumes = depth == 1 ? 1 : x.shape[0]
        let (down, across) = ((extent.height + 3) / 4, (extent.width + 3) / 4)
        // With a kernel of depth 3 a group reads two slices more than it computes, which costs least with many slices.
        let slices = depth == 1 ? 1 : min(extent.depth, 8)
        let columns = parts(of: across, most: max(most / slices, 1))
        let rows = parts(of: down, most: max(most / slices / (columns.first?.count ?? 1), 1))
        let strip = max((columns.first?.count ?? 1) * (rows.first?.count ?? 1), 1)
        let depths = parts(of: extent.depth, most: max(most / strip, 1))
        return (0..<volumes).flatMap { volume in
            depths.flatMap { slices in
                rows.flatMap { rows in
                    columns.map { TileGroup(volume: volume, extent: extent, slices: slices, rows: rows, columns: $0) }
                }
            }
        }
    }

    /// Divides 0..<length into ranges of at most `most`, as equal as possible, the longest first.
    private static func parts(of length: Int, most: Int) -> [Range<Int>] {
        let count = (length + most - 1) / most
        return (0..<count).map { (length * $0 + count - 1) / count..<(length * ($0 + 1) + count - 1) / count }
    }
}
