public import Volumes

/// A part of a tomogram whose voxels have labels: a slab, or all of it.
public struct LabelledRegion: Sendable {
    /// Where there is something to learn beside background.
    public enum Foreground: Sendable {
        /// The centres (x, y, z) of particles, in voxels of the tomogram.
        case particles([SIMD3<Double>])
        /// The voxels that have a class.
        case voxels(ForegroundRuns)

        /// How many items there are to centre patches on.
        public var count: Int {
            switch self {
            case .particles(let centers): centers.count
            case .voxels(let runs): runs.count
            }
        }

        /// The voxel (x, y, z) that is, or is nearest to, the item of this number.
        func voxel(_ index: Int) -> SIMD3<Int> {
            switch self {
            case .particles(let centers):
                let center = centers[index].rounded(.toNearestOrEven)
                return SIMD3(Int(center.x), Int(center.y), Int(center.z))
            case .voxels(let runs): return runs.voxel(index)
            }
        }
    }

    /// The tomogram's place in the sampler's list.
    public let volume: Int
    public let box: Box
    public let foreground: Foreground
    let labels: @Sendable (Box) throws -> [UInt8]

    /// - Parameters:
    ///   - box: the voxels that have labels.
    ///   - labels: gives the labels of a box inside the region, `[z][y][x]`, in coordinates of the tomogram.
    public init(volume: Int, box: Box, foreground: Foreground, labels: @escaping @Sendable (Box) throws -> [UInt8]) {
        self.volume = volume
        self.box = box
        self.foreground = foreground
        self.labels = labels
    }
}

/// Where a box of labels has foreground, so that one of its voxels can be drawn: runs of neighbouring voxels along x, 16
/// bytes each, of labels that arrive slice by slice.
public struct ForegroundRuns: Sendable {
    private let box: Box
    private var slices = 0
    /// The first voxel of each run in the box, and how many foreground voxels come before it.
    private var starts: [(voxel: Int, earlier: Int)] = []
    /// The number of foreground voxels.
    public private(set) var count = 0

    /// No foreground yet, in a box of a volume.
    public init(box: Box) { self.box = box }

    /// Takes the labels of the box's next slice, `[y][x]`: all that are neither 0 nor ``TrainingPatch/ignored`` are
    /// foreground.
    ///
    /// - Throws: ``TrainingError`` where the box has no such slice.
    public mutating func append(_ labels: [UInt8]) throws(TrainingError) {
        guard labels.count == box.shape.sliceCount, slices < box.shape.z else {
            throw TrainingError("a slice of \(labels.count) labels does not fit into \(box.shape) voxels after \(slices) slices")
        }
        for y in 0..<box.shape.y {
            var isInside = false
            for x in 0..<box.shape.x {
                let label = labels[y * box.shape.x + x]
                let isForeground = label != 0 && label != TrainingPatch.ignored
                if isForeground, !isInside {
                    starts.append(((slices * box.shape.y + y) * box.shape.x + x, count))
                }
                if isForeground { count += 1 }
                isInside = isForeground
            }
        }
        slices += 1
    }

    /// A foreground voxel of the volume, (x, y, z); all in order of z, y and x.
    ///
    /// - Precondition: an index below ``count``.
    /// - Complexity: the logarithm of the number of runs.
    public func voxel(_ index: Int) -> SIMD3<Int> {
        precondition((0..<count).contains(index), "there is no foreground voxel \(index) of \(count)")
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle].earlier <= index { low = middle } else { high = middle }
        }
        let voxel = starts[low].voxel + index - starts[low].earlier
        return SIMD3(
            box.x.lowerBound + voxel % box.shape.x, box.y.lowerBound + voxel / box.shape.x % box.shape.y,
            box.z.lowerBound + voxel / box.shape.sliceCount)
    }
}
