public import Volumes

/// A tomogram that patches are cut from.
public struct PatchVolume: Sendable {
    public let shape: VolumeShape
    let mean: Float
    let deviation: Float
    let read: @Sendable (Box) throws -> [Float]

    /// - Parameters:
    ///   - mean: of all its voxels, as is the standard deviation: densities of patches have 0 and 1 instead.
    ///   - read: gives the densities of a box inside the volume, `[z][y][x]`, as they are in the file.
    /// - Throws: ``TrainingError`` where mean or deviation are not finite, or the deviation is not positive.
    public init(
        shape: VolumeShape, mean: Double, standardDeviation: Double, read: @escaping @Sendable (Box) throws -> [Float]
    ) throws(TrainingError) {
        guard mean.isFinite, standardDeviation.isFinite, Float(standardDeviation) > 0, Float(mean).isFinite else {
            throw TrainingError(
                "a tomogram of mean \(mean) and standard deviation \(standardDeviation) cannot be normalised; are its voxels "
                    + "all the same?")
        }
        self.shape = shape
        self.mean = Float(mean)
        self.deviation = Float(standardDeviation)
        self.read = read
    }
}

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
