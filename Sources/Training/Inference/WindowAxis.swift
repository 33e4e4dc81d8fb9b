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
