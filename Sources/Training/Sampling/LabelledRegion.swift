public import Volumes

/// A box of a tomogram whose voxels have labels: a slab, or the whole tomogram.
public struct LabelledRegion: Sendable {
    /// The foreground items of a region, on which patches can be centred.
    public enum Foreground: Sendable {
        /// The centres (x, y, z) of particles, in voxels of the tomogram.
        case particles([SIMD3<Double>])
        /// All voxels that have a class.
        case voxels(ForegroundRuns)

        /// The number of items.
        public var count: Int {
            switch self {
            case .particles(let centers): centers.count
            case .voxels(let runs): runs.count
            }
        }

        /// The voxel (x, y, z) of an item, in the tomogram: the foreground voxel, or the one nearest to the particle's centre.
        func voxel(_ index: Int) -> SIMD3<Int> {
            switch self {
            case .particles(let centers):
                let center = centers[index].rounded(.toNearestOrEven)
                return SIMD3(Int(center.x), Int(center.y), Int(center.z))
            case .voxels(let runs): return runs.voxel(index)
            }
        }
    }

    /// The index of the tomogram in ``PatchSampler/volumes``.
    public let volume: Int
    /// The voxels that have labels, in coordinates of the tomogram.
    public let box: Box
    public let foreground: Foreground
    let labels: @Sendable (Box) throws -> [UInt8]

    /// The labels of a box inside the region, `[z][y][x]`, which is given in coordinates of the tomogram.
    public func labels(in part: Box) throws -> [UInt8] { try labels(part) }

    /// - Parameters:
    ///   - volume: the index of the tomogram in the sampler's list.
    ///   - box: the voxels that have labels, in coordinates of the tomogram.
    ///   - labels: returns the labels `[z][y][x]` of a box inside the region, which is given in coordinates of the tomogram.
    public init(volume: Int, box: Box, foreground: Foreground, labels: @escaping @Sendable (Box) throws -> [UInt8]) {
        self.volume = volume
        self.box = box
        self.foreground = foreground
        self.labels = labels
    }
}

/// The foreground voxels of a box of labels, from which one can be drawn at random. They are stored run-length encoded, 16 bytes
/// for each run of foreground voxels along x. Labels are appended slice by slice.
public struct ForegroundRuns: Sendable {
    private let box: Box
    private var slices = 0
    /// For each run the index of its first voxel in the box, and the number of foreground voxels before it.
    private var starts: [(voxel: Int, earlier: Int)] = []
    /// The number of foreground voxels.
    public private(set) var count = 0

    /// Without slices yet.
    ///
    /// - Parameter box: the box of the labels, in coordinates of the volume.
    public init(box: Box) { self.box = box }

    /// Appends the labels of the box's next slice, `[y][x]`. All labels but 0 and ``TrainingPatch/ignored`` are foreground.
    ///
    /// - Throws: ``TrainingError`` if the slice has another size than the box, or the box has no further slice.
    /// - Complexity: one pass over the slice.
    public mutating func append(_ labels: [UInt8]) throws(TrainingError) {
        guard labels.count == box.shape.voxelsPerSlice, slices < box.shape.z else {
            throw TrainingError(
                "a slice of \(labels.count) labels does not fit into \(box.shape) voxels after \(slices) slices; "
                    + "give \(box.shape.z) slices of \(box.shape.voxelsPerSlice) labels")
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

    /// The foreground voxel (x, y, z) of an index, in coordinates of the volume. Voxels are in raster order: z, then y, then x.
    ///
    /// - Precondition: the index is in 0 ..< ``count``.
    /// - Complexity: O(log n) in the number of runs.
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
            box.z.lowerBound + voxel / box.shape.voxelsPerSlice)
    }
}
