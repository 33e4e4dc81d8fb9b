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
