import ImageProcessing
import Synchronization
import Training
import Volumes

/// The labels of a part of a tomogram, read slice by slice: 0 for ground, classes from 1, or ``TrainingPatch/ignored``.
struct LabelSource: Sendable {
    /// The member of the training set that the labels are from.
    let member: NetworkDescription.Member
    /// The index of the tomogram in ``TrainingMaterial/volumes``.
    let volume: Int
    /// The voxels that have labels.
    let box: Box
    private let cache: SliceCache

    /// The memory for slices of one source, in bytes.
    private static let cacheBytes = 64 << 20

    /// - Parameter read: reads the labels `[y][x]` of a slice, with all rows and columns of the tomogram.
    init(
        member: NetworkDescription.Member, volume: Int, box: Box, read: @escaping @Sendable (_ z: Int) throws -> [UInt8]
    ) {
        (self.member, self.volume, self.box) = (member, volume, box)
        cache = SliceCache(bytes: Self.cacheBytes, read: read)
    }

    /// The labels of a box, `[z][y][x]`.
    ///
    /// - Parameter part: in voxels of the tomogram, within ``box``.
    /// - Throws: ``PipelineError`` where a slice has another size than the tomogram.
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

    /// A region of labels from which patches are drawn, centred on voxels of any class, and the number of voxels of each label.
    ///
    /// - Complexity: reads the labels of the part once.
    func region(_ part: Box) throws -> (region: LabelledRegion, counts: [Int]) {
        var runs = ForegroundRuns(box: part)
        var histogram = ByteHistogram()
        for z in part.z {
            guard let slice = Box(z: z..<z + 1, y: part.y, x: part.x) else { continue }
            let labels = try labels(in: slice)
            labels.withUnsafeBufferPointer { histogram.add($0) }
            try runs.append(labels)
        }
        let region = LabelledRegion(volume: volume, box: part, foreground: .voxels(runs), labels: { try labels(in: $0) })
        return (region, histogram.counts)
    }
}

/// A cache of the slices of labels that were used last: patches are drawn from the same few slices again and again.
final class SliceCache: Sendable {
    private struct State {
        var slices: [Int: (values: [UInt8], use: Int)] = [:]
        var uses = 0
        var bytes = 0
    }

    private let state = Mutex(State())
    private let capacity: Int
    private let read: @Sendable (Int) throws -> [UInt8]

    /// - Parameters:
    ///   - bytes: the memory for slices; one slice is always kept.
    ///   - read: reads the labels of a slice, `[y][x]`.
    init(bytes: Int, read: @escaping @Sendable (Int) throws -> [UInt8]) {
        capacity = bytes
        self.read = read
    }

    /// The labels of a slice. Two threads may read the same slice at once; the first result is kept.
    func slice(_ z: Int) throws -> [UInt8] {
        let known = state.withLock { state -> [UInt8]? in
            state.uses += 1
            state.slices[z]?.use = state.uses
            return state.slices[z]?.values
        }
        if let known { return known }
        let values = try read(z)
        state.withLock { state in
            guard state.slices[z] == nil else { return }
            while state.bytes + values.count > capacity, let oldest = state.slices.min(by: { $0.value.use < $1.value.use }) {
                state.bytes -= oldest.value.values.count
                state.slices[oldest.key] = nil
            }
            state.slices[z] = (values, state.uses)
            state.bytes += values.count
        }
        return values
    }
}

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
    ///   - gap: slices or columns before the held-out part that neither teach nor validate, since a network that sees them also sees
    ///     held-out ones; fewer where a run has less than four times as many, or nothing would be left for training.
    /// - Returns: a cut for each member.
    static func cuts(of members: [(volume: Int, box: Box)], along direction: Direction, fraction: Double, gap: Int = 0) -> [Cut] {
        members.map { member in
            let range = direction.range(of: member.box)
            let run = run(of: range, among: members.filter { $0.volume == member.volume }.map { direction.range(of: $0.box) })
            let count = fraction > 0 ? max(1, Int((Double(run.count) * fraction).rounded())) : 0
            let cut = count < run.count ? run.upperBound - count : run.upperBound
            let last = cut < run.upperBound ? max(cut - min(gap, run.count / 4), run.lowerBound + 1) : cut
            return Cut(
                training: direction.part(run.lowerBound..<last, of: member.box),
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
