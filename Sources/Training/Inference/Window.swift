public import Basics
public import Volumes

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
            throw TrainingError("the \(name) of a window is \(value) voxels, but must be \(least) … \(1 << 20)")
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
