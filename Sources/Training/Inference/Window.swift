public import Volumes

/// How a network is moved over a volume: one ``WindowAxis`` for each axis.
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
    /// How many slices of results are kept of a layer of blocks at most. A layer that has more is computed several times, each
    /// time for the next of them: results are the same, to the bit.
    public private(set) var mostSlices = Int.max

    public init(z: WindowAxis, y: WindowAxis, x: WindowAxis) {
        self.z = z
        self.y = y
        self.x = x
    }

    /// This window, so that it needs no more than `bytes` of memory: see ``BlockGrid/memory(outputs:)``. It has the deepest
    /// blocks, up to its own depth, that do. Where blocks keep their length, layers are computed several times instead, no more
    /// often than needed.
    ///
    /// - Throws: ``TrainingError`` where even that needs more.
    public func fitted(to shape: VolumeShape, outputs: Int, bytes: Int) throws(TrainingError) -> Window {
        var window = self
        var least = BlockGrid(shape: shape, window: window).memory(outputs: outputs)
        if z.keepsLength {
            if least <= bytes { return window }
            // Each slice less saves as much as another.
            let slice = MemoryLayout<Float>.size * shape.sliceCount * outputs
            let depth = BlockGrid(shape: shape, window: window).layerDepth
            window.mostSlices = depth - (least - bytes + slice - 1) / slice
            if window.mostSlices > z.taper { return window }
            throw Self.tooLarge(shape, outputs, least: least - (depth - z.taper - 1) * slice, bytes)
        }
        // A block deeper than the volume is a block of its depth.
        let deepest = max(min(z.block, shape.z.rounded(upTo: z.alignment)), z.leastBlock)
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

/// How a network is moved along one axis of a volume: lengths in voxels.
///
/// Neighbouring blocks have ``overlap`` voxels in common. Of these the outermost `margin` of either block are wrong, since
/// the network did not see beyond the block's cut face, and are thrown away; `taper` voxels are blended.
///
/// ```
/// block k      ────────────────blend│margin
///                       margin│blend────────────────      block k + 1
/// ```
public struct WindowAxis: Hashable, Sendable {
    /// The length of a block: what was asked for, rounded up to a multiple of the alignment.
    public let block: Int
    /// How many voxels at a cut face are thrown away. With the radius of the network's receptive field or more, results
    /// do not depend on the length of blocks, but for rounding where blocks blend.
    public let margin: Int
    /// Over how many voxels neighbours blend, linearly.
    public let taper: Int
    /// The factor by which the network pools: blocks begin at multiples of it, so that pooling grids agree.
    public let alignment: Int
    /// Whether blocks are as long where the axis is shorter: the voxels that it lacks repeat its outermost ones.
    public let keepsLength: Bool

    /// - Parameter keepsLength: for networks that are told where in a block a voxel is (CoordConv). In a shorter block they would
    ///   be told other places than in training.
    /// - Throws: ``TrainingError`` where a length is out of range, or a block so short that it would hold little but
    ///   overlap: it needs ``overlap`` + max(taper, alignment) voxels.
    public init(
        block: Int, margin: Int = 0, taper: Int = 0, alignment: Int = 1, keepsLength: Bool = false
    ) throws(TrainingError) {
        for (name, value, least) in [
            ("block", block, 1), ("margin", margin, 0), ("taper", taper, 0), ("alignment", alignment, 1),
        ] where value < least || value > 1 << 20 {
            throw TrainingError("the \(name) of a window is \(value) voxels, but must be \(least) … \(1 << 20)")
        }
        self.block = block.rounded(upTo: alignment)
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

    /// One voxel at a time, which a two-dimensional network wants along z.
    public static let single = WindowAxis()

    private init() {
        block = 1
        margin = 0
        taper = 0
        alignment = 1
        keepsLength = false
    }

    /// How many voxels neighbours have in common: two margins and a taper, rounded up to a multiple of the alignment. The
    /// last block of an axis overlaps by more.
    public var overlap: Int { (2 * margin + taper).rounded(upTo: alignment) }

    /// From the beginning of one block to that of the next.
    var step: Int { block - overlap }

    /// The shortest block of this margin, taper and alignment.
    var leastBlock: Int { overlap + max(taper, 1).rounded(upTo: alignment) }
}

extension Int {
    /// The least multiple of a positive step that is not below this number.
    func rounded(upTo step: Int) -> Int { (self + step - 1) / step * step }
}
