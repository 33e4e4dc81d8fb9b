public import Volumes

/// The overlapping blocks into which a window divides a volume: layers in z, rows in y, columns in x, all of one size.
///
/// Blocks begin at the volume's near faces. At its far faces they reach up to the next multiple of the alignment; the
/// voxels that the volume lacks there repeat its outermost ones (edge replication). A volume smaller than a block is one
/// block, of the volume's size rounded up so; or of the block's size, where blocks keep their length.
public struct BlockGrid: Hashable, Sendable {
    /// The volume's shape.
    public let shape: VolumeShape
    /// How it is divided.
    public let window: Window
    let z: BlockLine
    let y: BlockLine
    let x: BlockLine

    /// - Complexity: as many steps as there are blocks along the axes; no voxel is touched.
    public init(shape: VolumeShape, window: Window) {
        self.shape = shape
        self.window = window
        z = BlockLine(length: shape.z, axis: window.z, most: window.mostSlices)
        y = BlockLine(length: shape.y, axis: window.y)
        x = BlockLine(length: shape.x, axis: window.x)
    }

    /// The number of layers, which are finished one after the other.
    public var layers: Int { z.count }

    /// The number of blocks of each layer.
    public var blocksPerLayer: Int { y.count * x.count }

    /// The number of blocks.
    public var count: Int { layers * blocksPerLayer }

    /// The shape of the network's input, `[1, D, H, W, 1]`.
    public var inputShape: [Int] { [1, z.blockLength, y.blockLength, x.blockLength, 1] }

    /// The slices that are finished when a layer is, and were not before. These ranges cover the volume once.
    ///
    /// - Precondition: there is such a layer.
    public func slices(finishedBy layer: Int) -> Range<Int> { z.finished(layer) }

    /// The bytes that ``SlidingWindow`` needs for a network of so many outputs, beside the network's own: a layer of
    /// results `[depth][Y][X][outputs]`, where depth is at most a block's depth, one slice of it, and one block's input
    /// (twice) and output. It does not depend on the number of slices of the volume once that is larger than a block.
    public func memory(outputs: Int) -> Int {
        let block = z.blockLength * y.blockLength * x.blockLength
        return MemoryLayout<Float>.size * ((layerDepth + 1) * shape.sliceCount * outputs + block * (2 + outputs))
    }

    /// The number of slices of the deepest layer's results.
    var layerDepth: Int { (0..<layers).map { z.covered($0).count }.max() ?? 0 }

    /// The voxels of a block.
    func block(layer: Int, row: Int, column: Int) -> PaddedBox {
        PaddedBox(
            origin: (z.starts[layer], y.starts[row], x.starts[column]),
            size: (z.blockLength, y.blockLength, x.blockLength))
    }
}

/// The blocks along one axis of a volume, and how their results are joined.
///
/// The axis is thought to be as long as the next multiple of the alignment; the last block ends there, and so overlaps its
/// neighbour by more than the others do. Hence what the network sees near either end of the volume does not depend on the
/// length of blocks. An axis shorter than a block has one block, as long as the axis unless blocks keep their length.
struct BlockLine: Hashable, Sendable {
    /// The number of voxels of the volume.
    let length: Int
    /// The number of voxels of each block.
    let blockLength: Int
    /// Where blocks begin: multiples of the alignment, rising from 0. A block that has a share in too many voxels comes several
    /// times, each time for the next of them.
    let starts: [Int]
    /// Zone k is where block k fades into block k + 1: as late as block k's margin allows. Zones do not touch; with a taper
    /// of 0 they are empty, and tell where one block ends and the next begins.
    let zones: [Range<Int>]

    /// - Parameter most: voxels that a block has a share in at most; more than the taper.
    init(length: Int, axis: WindowAxis, most: Int = .max) {
        let padded = length.rounded(upTo: axis.alignment)
        self.length = length
        blockLength = axis.keepsLength ? axis.block : min(axis.block, padded)
        let last = max(0, padded - blockLength)
        var (starts, zones): ([Int], [Range<Int>]) = ([], [])
        /// Where the block before has no share any more.
        var first = 0
        for start in Array(stride(from: 0, to: last, by: axis.step)) + [last] {
            let isLast = start == last
            let end = isLast ? length : start + axis.block - axis.margin
            let zone = end - (isLast ? 0 : axis.taper)..<end
            // What is this block's alone is divided; the first and the last part have a zone beside it.
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

    /// The voxels that block `index` has a share in.
    func covered(_ index: Int) -> Range<Int> {
        let first = index == 0 ? 0 : zones[index - 1].lowerBound
        return first..<(index == count - 1 ? length : zones[index].upperBound)
    }

    /// The voxels that are finished when block `index` is, and were not before.
    func finished(_ index: Int) -> Range<Int> {
        let covered = covered(index)
        return covered.lowerBound..<(index == count - 1 ? length : zones[index].lowerBound)
    }

    /// The shares that block `index` and the blocks before it have in each voxel of `covered(index)`; what is missing to 1
    /// is the next block's.
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

    private func share(of position: Int, in zone: Range<Int>) -> Float {
        Float(position - zone.lowerBound + 1) / Float(zone.count + 1)
    }
}

/// A box of voxels that may reach beyond its volume: `(z, y, x)`.
struct PaddedBox: Hashable, Sendable {
    /// Its first voxel; it may lie before the volume.
    let z: Int
    let y: Int
    let x: Int
    let depth: Int
    let height: Int
    let width: Int

    init(origin: (Int, Int, Int), size: (Int, Int, Int)) {
        (z, y, x) = origin
        (depth, height, width) = size
    }

    var count: Int { depth * height * width }

    /// The part inside another box; nil if there is none.
    func clipped(to box: Box) -> Box? {
        func clip(_ start: Int, _ length: Int, _ range: Range<Int>) -> Range<Int> {
            (start..<start + length).clamped(to: range)
        }
        return Box(z: clip(z, depth, box.z), y: clip(y, height, box.y), x: clip(x, width, box.x))
    }

    /// Fills `target`, `[z][y][x]`, with the values of `inner`, a box inside this one; elsewhere with the value of the
    /// voxel of `inner` that is nearest along each axis.
    ///
    /// - Precondition: as many values as `inner` has voxels, and room for all voxels of this box.
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
