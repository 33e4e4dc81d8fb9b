import Basics
public import Volumes

/// The overlapping blocks into which a window divides a volume: layers along z, rows along y, columns along x, all of one size.
///
/// The first block begins at the volume's first voxel. The last one ends at the volume's length, rounded up to a multiple of the
/// alignment; beyond the volume it repeats the outermost voxels (edge replication). A volume smaller than a block is one block of
/// the volume's size, rounded up in the same way, or of the block's size where blocks keep their length.
public struct BlockGrid: Hashable, Sendable {
    /// The volume's shape.
    public let shape: VolumeShape
    /// The size and overlap of the blocks.
    public let window: Window
    let z: BlockLine
    let y: BlockLine
    let x: BlockLine

    /// - Complexity: linear in the number of blocks along each axis; touches no voxel.
    public init(shape: VolumeShape, window: Window) {
        self.shape = shape
        self.window = window
        z = BlockLine(length: shape.z, axis: window.z, most: window.mostSlices)
        y = BlockLine(length: shape.y, axis: window.y)
        x = BlockLine(length: shape.x, axis: window.x)
    }

    /// The number of layers. Layers are computed one after the other along z.
    public var layers: Int { z.count }

    /// The number of blocks in each layer.
    public var blocksPerLayer: Int { y.count * x.count }

    /// The number of blocks.
    public var count: Int { layers * blocksPerLayer }

    /// The shape of the network's input, `[1, D, H, W, 1]`.
    public var inputShape: [Int] { [1, z.blockLength, y.blockLength, x.blockLength, 1] }

    /// The slices whose results are final after a layer, but not before it. The ranges of all layers cover the volume once.
    ///
    /// - Precondition: the layer is in 0 ..< ``layers``.
    public func slices(finishedBy layer: Int) -> Range<Int> { z.finished(layer) }

    /// The memory in bytes that ``SlidingWindow`` needs in addition to the network's own: a layer of results
    /// `[depth][Y][X][outputs]`, where depth is at most a block's depth; one slice of them; and one block's input (twice) and
    /// output. For volumes deeper than a block it does not depend on their number of slices.
    ///
    /// - Parameter outputs: the number of values that the network returns for each voxel.
    public func memory(outputs: Int) -> Int {
        let block = z.blockLength * y.blockLength * x.blockLength
        return MemoryLayout<Float>.size * ((layerDepth + 1) * shape.voxelsPerSlice * outputs + block * (2 + outputs))
    }

    /// The largest number of slices of results of a layer.
    var layerDepth: Int { (0..<layers).map { z.covered($0).count }.max() ?? 0 }

    /// The box of a block, which may reach beyond the volume.
    func block(layer: Int, row: Int, column: Int) -> PaddedBox {
        PaddedBox(
            origin: (z.starts[layer], y.starts[row], x.starts[column]),
            size: (z.blockLength, y.blockLength, x.blockLength))
    }
}

/// The blocks along one axis of a volume, and the weights with which their results are blended.
///
/// The length of the axis is rounded up to a multiple of the alignment. The last block ends there, and may therefore overlap its
/// neighbour by more than the others do. Thus the input near either end of the volume does not depend on the length of blocks. An
/// axis shorter than a block has one block, which has the axis' rounded length unless blocks keep their length.
struct BlockLine: Hashable, Sendable {
    /// The number of voxels of the volume.
    let length: Int
    /// The number of voxels of each block.
    let blockLength: Int
    /// The first voxel of each block: multiples of the alignment, ascending from 0. A block that contributes to more than `most`
    /// voxels is listed several times, each time for the next part of them.
    let starts: [Int]
    /// The blending zones: in zone k, block k fades into block k + 1, as late as block k's margin allows. Zones do not overlap.
    /// With a taper of 0 they are empty, and their position is the boundary between the blocks.
    let zones: [Range<Int>]

    /// - Parameters:
    ///   - length: the number of voxels of the volume along the axis.
    ///   - most: the largest number of voxels to which a block contributes, more than the taper.
    init(length: Int, axis: WindowAxis, most: Int = .max) {
        let padded = length.rounded(upToMultipleOf: axis.alignment)
        self.length = length
        blockLength = axis.keepsLength ? axis.block : min(axis.block, padded)
        let last = max(0, padded - blockLength)
        var (starts, zones): ([Int], [Range<Int>]) = ([], [])
        /// The first voxel to which the preceding block does not contribute.
        var first = 0
        for start in Array(stride(from: 0, to: last, by: axis.step)) + [last] {
            let isLast = start == last
            let end = isLast ? length : start + axis.block - axis.margin
            let zone = end - (isLast ? 0 : axis.taper)..<end
            // The voxels of this block alone are divided into parts; the first and the last part also have a blending zone.
            let own = zone.lowerBound - first
            let parts =
                own + 2 * axis.taper <= most ? 1 : max(2, (own + most - axis.taper - 1) / max(most - axis.taper, 1))
            for part in 1...parts {
                starts.append(start)
                let boundary = first + own * part / parts
                zones.append(part < parts ? boundary..<boundary : zone)
            }
            first = end
        }
        (self.starts, self.zones) = (starts, zones.dropLast())
    }

    var count: Int { starts.count }

    /// The voxels to which block `index` contributes.
    func covered(_ index: Int) -> Range<Int> {
        let first = index == 0 ? 0 : zones[index - 1].lowerBound
        return first..<(index == count - 1 ? length : zones[index].upperBound)
    }

    /// The voxels whose results are final after block `index`, but not before it.
    func finished(_ index: Int) -> Range<Int> {
        let covered = covered(index)
        return covered.lowerBound..<(index == count - 1 ? length : zones[index].lowerBound)
    }

    /// For each voxel of `covered(index)` the weight of block `index` and the total weight of the earlier blocks. The rest to 1
    /// is the weight of the next block.
    func shares(_ index: Int) -> [(own: Float, earlier: Float)] {
        covered(index).map { position in
            if index > 0, zones[index - 1].contains(position) {
                let share = share(of: position, in: zones[index - 1])
                return (share, 1 - share)
            }
            if index < count - 1, zones[index].contains(position) {
                return (1 - share(of: position, in: zones[index]), 0)
            }
            return (1, 0)
        }
    }

    /// The weight of the later block at a position of a blending zone; it rises linearly.
    private func share(of position: Int, in zone: Range<Int>) -> Float {
        Float(position - zone.lowerBound + 1) / Float(zone.count + 1)
    }
}

/// A box of voxels that may reach beyond its volume.
struct PaddedBox: Hashable, Sendable {
    /// The first voxel; coordinates may be negative.
    let z: Int
    let y: Int
    let x: Int
    let depth: Int
    let height: Int
    let width: Int

    /// - Parameters:
    ///   - origin: the first voxel, (z, y, x).
    ///   - size: the number of voxels along z, y and x.
    init(origin: (Int, Int, Int), size: (Int, Int, Int)) {
        (z, y, x) = origin
        (depth, height, width) = size
    }

    var count: Int { depth * height * width }

    /// The intersection with another box; nil if it is empty.
    func clipped(to box: Box) -> Box? {
        func clip(_ start: Int, _ length: Int, _ range: Range<Int>) -> Range<Int> {
            (start..<start + length).clamped(to: range)
        }
        return Box(z: clip(z, depth, box.z), y: clip(y, height, box.y), x: clip(x, width, box.x))
    }

    /// Edge replication: fills `target`, `[z][y][x]`, with the values of `inner`, a box inside this one. A voxel outside `inner`
    /// gets the value of the nearest voxel of `inner`.
    ///
    /// - Precondition: there is one value for each voxel of `inner`, and `target` has one element for each voxel of this box.
    /// - Complexity: one write for each voxel of this box.
    func replicate<Element>(_ values: [Element], of inner: Box, into target: UnsafeMutableBufferPointer<Element>) {
        precondition(values.count == inner.shape.count && target.count == count, "values that do not fill their box")
        let shape = inner.shape
        let before = min(max(inner.x.lowerBound - x, 0), width)
        let after = min(before + shape.x, width)
        values.withUnsafeBufferPointer { source in
            guard let from = source.baseAddress, let to = target.baseAddress else { return }
            for slice in 0..<depth {
                let sourceSlice = min(max(z + slice - inner.z.lowerBound, 0), shape.z - 1)
                for row in 0..<height {
                    let sourceRow = min(max(y + row - inner.y.lowerBound, 0), shape.y - 1)
                    let read = from + (sourceSlice * shape.y + sourceRow) * shape.x
                    let write = to + (slice * height + row) * width
                    (write + before).update(from: read, count: after - before)
                    for column in 0..<before { write[column] = read[0] }
                    for column in after..<width { write[column] = read[shape.x - 1] }
                }
            }
        }
    }
}
