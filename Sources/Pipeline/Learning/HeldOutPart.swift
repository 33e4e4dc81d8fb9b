import Volumes

/// The part of a training set's labels that is held out for validation.
///
/// Members of a training set may share voxels: overlapping slabs of a tomogram, a slab and an annotation, or two tomograms with the same
/// voxels. **The rule: a slice, or column, is either for training or for validation, for all members whose tomogram has the same voxels.** The
/// slices of such members form runs without gaps. The last part of each run is held out of all of its members, in one piece, because
/// neighbouring slices are alike. A member that lies in that part completely is used for validation only.
///
/// Only labels are held out: patches near the cut may show densities beyond it, and ignore the labels there.
enum HeldOutPart {
    /// The axis along which a run is cut: z for slices, x for columns.
    enum Direction {
        case slices
        case columns
    }

    /// The parts of a member's box for training and for validation; nil where a part is empty.
    struct Cut: Hashable {
        let training: Box?
        let heldOut: Box?
    }

    /// Cuts all members of a training set.
    ///
    /// - Parameters:
    ///   - members: of each, the number of its volume, which members with the same voxels share, and its box.
    ///   - fraction: the part of a run that is held out, at least one slice or column. Nothing is held out where it is 0, or where nothing
    ///     would be left for training.
    /// - Returns: a cut for each member.
    static func cuts(of members: [(volume: Int, box: Box)], along direction: Direction, fraction: Double) -> [Cut] {
        members.map { member in
            let range = direction.range(of: member.box)
            let run = run(of: range, among: members.filter { $0.volume == member.volume }.map { direction.range(of: $0.box) })
            let count = fraction > 0 ? max(1, Int((Double(run.count) * fraction).rounded())) : 0
            let cut = count < run.count ? run.upperBound - count : run.upperBound
            return Cut(
                training: direction.part(run.lowerBound..<cut, of: member.box),
                heldOut: direction.part(cut..<run.upperBound, of: member.box))
        }
    }

    /// The run of a range: its union with all ranges that overlap or touch it, directly or through others.
    private static func run(of range: Range<Int>, among ranges: [Range<Int>]) -> Range<Int> {
        var run = range
        for other in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) where other.lowerBound <= run.upperBound {
            if other.upperBound >= run.lowerBound {
                run = min(run.lowerBound, other.lowerBound)..<max(run.upperBound, other.upperBound)
            }
        }
        return run == range ? run : Self.run(of: run, among: ranges)
    }
}

extension HeldOutPart.Direction {
    func range(of box: Box) -> Range<Int> {
        switch self {
        case .slices: box.z
        case .columns: box.x
        }
    }

    /// The part of a box within a range of the axis; nil where it is empty.
    func part(_ range: Range<Int>, of box: Box) -> Box? {
        switch self {
        case .slices: Box(z: range.clamped(to: box.z), y: box.y, x: box.x)
        case .columns: Box(z: box.z, y: box.y, x: range.clamped(to: box.x))
        }
    }
}
