import Training
import Volumes

/// Labels of a part of a tomogram, slice by slice: 0 ground, a class from 1, or ignored.
struct LabelSource: Sendable {
    /// What labels are of, and where they came from.
    let member: NetworkDescription.Member
    /// The place of the tomogram in the list of volumes.
    let volume: Int
    /// The voxels that have labels.
    let box: Box
    private let cache: SliceCache

    /// How much of each source is kept in memory.
    private static let cacheBytes = 64 << 20

    /// - Parameter read: gives the labels of a slice of the tomogram, all of its rows.
    init(
        member: NetworkDescription.Member, volume: Int, box: Box, read: @escaping @Sendable (_ z: Int) throws -> [UInt8]
    ) {
        (self.member, self.volume, self.box) = (member, volume, box)
        cache = SliceCache(bytes: Self.cacheBytes, read: read)
    }

    /// The labels of a box, `[z][y][x]`, in coordinates of the tomogram.
    func labels(in part: Box) throws -> [UInt8] {
        var labels: [UInt8] = []
        labels.reserveCapacity(part.shape.count)
        for z in part.z {
            let slice = try cache.slice(z)
            guard slice.count == box.x.upperBound * box.y.upperBound else {
                throw PipelineError(
                    "the labels of \(member.tomogram) have another size than the tomogram; `cellar run` renews them")
            }
            for y in part.y {
                let row = y * box.x.upperBound
                labels += slice[row + part.x.lowerBound..<row + part.x.upperBound]
            }
        }
        return labels
    }

    /// A part of it as a region that patches are drawn from, centred on any class, and how many voxels have each label.
    func region(_ part: Box) throws -> (region: LabelledRegion, counts: [Int]) {
        var runs = ForegroundRuns(box: part)
        var counts = [Int](repeating: 0, count: 256)
        for z in part.z {
            guard let slice = Box(z: z..<z + 1, y: part.y, x: part.x) else { continue }
            let labels = try labels(in: slice)
            for label in labels { counts[Int(label)] += 1 }
            try runs.append(labels)
        }
        return (LabelledRegion(volume: volume, box: part, foreground: .voxels(runs), labels: { try labels(in: $0) }), counts)
    }
}
