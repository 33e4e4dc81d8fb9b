import Volumes

/// What of the labels of a training set is held out, to validate on.
///
/// Members of a training set may have voxels in common: slabs of a tomogram that overlap, a slab and an annotation, or two
/// tomograms of the same voxels. **The rule: a slice, or column, is either learned from or held out, for all members whose
/// tomogram has the same voxels.** The slices of such members make runs, in which they follow one another without a gap, and the
/// last part of each run is held out of all of them: neighbours are alike, so it is one piece and not some slices here and there.
/// A member that lies in that part altogether is only validated on.
///
/// It is labels that are held out. Patches near to the cut may show densities beyond it, whose labels are ignored there.
enum HeldOutPart {
    /// Along which axis a run is cut.
    enum Direction {
        case slices
        case columns
    }

    /// What of a member's box is learned from, and what is held out; nil where there is no voxel of it.
    struct Cut: Hashable {
        let training: Box?
        let heldOut: Box?
    }

    /// Cuts all members of a training set.
    ///
    /// - Parameters:
    ///   - members: the number of its voxels' volume, and its box.
    ///   - fraction: the part of a run that is held out, but at least one slice or column. Nothing is held out where it is 0, or
    ///     leaves nothing.
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

    /// The slices that one can get to from a range by others that overlap or touch.
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

    /// What of a box lies in a range.
    func part(_ range: Range<Int>, of box: Box) -> Box? {
        switch self {
        case .slices: Box(z: range.clamped(to: box.z), y: box.y, x: box.x)
        case .columns: Box(z: box.z, y: box.y, x: range.clamped(to: box.x))
        }
    }
}
