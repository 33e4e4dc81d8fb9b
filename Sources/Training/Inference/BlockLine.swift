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
