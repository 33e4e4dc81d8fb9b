import Synchronization
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

/// Slices of labels that were read lately: patches are drawn from few slices again and again.
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
    ///   - bytes: how much is kept; one slice always is.
    ///   - read: gives the labels of a slice, `[y][x]`.
    init(bytes: Int, read: @escaping @Sendable (Int) throws -> [UInt8]) {
        capacity = bytes
        self.read = read
    }

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
