public import Basics
import Dispatch
import Synchronization

/// The digest, the statistics and the histogram of a volume, from one pass over all voxels.
///
/// **The digest** depends on the voxels only. It is the SHA-256 of
///
/// ```
/// cellar tomogram voxels 1\n
/// float32\n                       the name of the scalar type
/// 300 1024 1440\n                 z y x, in decimal
/// …                               the voxels in [z][y][x] order, x fastest, little-endian
/// ```
///
/// Any change of a voxel changes it. Labels in the header, compression, byte order, axis order, file format and chunk size
/// do not.
public struct VolumeSurvey: Sendable, Hashable {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    /// The digest of the voxels.
    public let digest: Digest
    /// The number of voxels that are NaN or infinite; statistics and histogram leave them out.
    public let nonFiniteCount: Int
    /// The statistics of the finite voxels; nil where no voxel is finite.
    public let statistics: VoxelStatistics?
    /// The histogram of the finite voxels.
    public let histogram: Histogram

    /// Restores a stored survey.
    public init(
        shape: VolumeShape, scalarType: ScalarType, digest: Digest, nonFiniteCount: Int, statistics: VoxelStatistics?,
        histogram: Histogram
    ) {
        self.shape = shape
        self.scalarType = scalarType
        self.digest = digest
        self.nonFiniteCount = nonFiniteCount
        self.statistics = statistics
        self.histogram = histogram
    }

    /// The percentile of the finite voxels; nil where no voxel is finite.
    ///
    /// Exact for voxels of 8 and 16 bits, for others within 2⁻¹¹ of the value: see ``Histogram/percentile(_:)``.
    ///
    /// - Parameter percentage: 0 to 100; values outside give the minimum or the maximum.
    public func percentile(_ percentage: Double) -> Double? {
        guard let statistics else { return nil }
        if percentage <= 0 { return statistics.minimum }
        if percentage >= 100 { return statistics.maximum }
        return histogram.percentile(percentage).map { min(max($0, statistics.minimum), statistics.maximum) }
    }
}

/// Statistics of the finite voxels of a volume, summed in float64.
public struct VoxelStatistics: Sendable, Hashable, Codable {
    public let minimum: Double
    public let maximum: Double
    public let mean: Double
    /// The standard deviation of the population: the sum of squares is divided by the number of voxels.
    public let standardDeviation: Double

    public init(minimum: Double, maximum: Double, mean: Double, standardDeviation: Double) {
        self.minimum = minimum
        self.maximum = maximum
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// Nil where no voxel is finite.
    init?(_ moments: VoxelMoments) {
        guard moments.count > 0 else { return nil }
        self.init(
            minimum: moments.minimum, maximum: moments.maximum, mean: moments.mean, standardDeviation: moments.standardDeviation)
    }

    /// The statistics of a histogram whose bins are exact; nil where it is empty.
    init?(exact histogram: Histogram) {
        guard let first = histogram.keys.first, let last = histogram.keys.last else { return nil }
        let total = Double(histogram.total)
        let values = histogram.keys.map { histogram.bounds(ofKey: $0).lowerBound }
        let mean = zip(values, histogram.counts).reduce(0) { $0 + $1.0 * Double($1.1) } / total
        let squares = zip(values, histogram.counts).reduce(0) { $0 + ($1.0 - mean) * ($1.0 - mean) * Double($1.1) }
        self.init(
            minimum: histogram.bounds(ofKey: first).lowerBound, maximum: histogram.bounds(ofKey: last).upperBound, mean: mean,
            standardDeviation: (squares / total).squareRoot())
    }
}

extension VolumeSurvey {
    /// The size limit in bytes of a buffer for chunked volumes: a larger buffer lets each chunk be decoded only once.
    private static let chunkBufferLimit = 96 << 20

    /// Reads all voxels once.
    ///
    /// - Parameters:
    ///   - volume: the volume.
    ///   - bufferBytes: the size of each of two buffers in bytes.
    ///   - progress: called after each buffer with the fraction of the volume that is done, up to 1. If it throws, the survey
    ///     ends.
    /// - Throws: ``VolumeError`` where the volume cannot be read, and what `progress` throws.
    /// - Complexity: one pass over the voxels. A second thread computes the digest while this one reads and counts, so the
    ///   time is that of SHA-256 alone. Memory is the two buffers and about 20 MB of tables. Buffers grow up to 96 MiB each
    ///   if the chunks of the volume have several slices.
    public static func run(
        _ volume: any Volume, bufferBytes: Int = 16 << 20, progress: (Double) throws -> Void = { _ in }
    ) throws -> VolumeSurvey {
        let shape = volume.shape
        let type = volume.scalarType
        let boxes = shape.streamingBoxes(
            voxelLimit: max(1, bufferBytes / type.size), chunkShape: volume.chunkShape, chunkLimit: chunkBufferLimit / type.size)
        let hasher = StreamHasher(prefix: digestPrefix(shape: shape, scalarType: type))
        // Exact bins give exact statistics at the end, so moments are needed only for bins that are not exact.
        let needsMoments = Histogram.Binning(type) == .float32
        var counter = VoxelCounter(type)
        var moments = VoxelMoments()
        var done = 0

        let capacity = boxes.first { _ in true }.map { $0.shape.count * type.size } ?? 0
        let buffers = [0, 1].map { _ in UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64) }
        defer {
            hasher.wait()
            for buffer in buffers { buffer.deallocate() }
        }
        for (index, box) in boxes.enumerated() {
            let buffer = UnsafeMutableRawBufferPointer(rebasing: buffers[index & 1][..<(box.shape.count * type.size)])
            // The second thread hashes the other buffer meanwhile.
            try volume.read(box, into: buffer)
            hasher.wait()
            hasher.begin(UnsafeRawBufferPointer(buffer))
            counter.add(UnsafeRawBufferPointer(buffer))
            if needsMoments { moments.add(UnsafeRawBufferPointer(buffer), of: type) }
            done += box.shape.count
            try progress(Double(done) / Double(shape.count))
        }

        let (histogram, nonFiniteCount) = counter.result()
        return VolumeSurvey(
            shape: shape, scalarType: type, digest: hasher.finish(), nonFiniteCount: nonFiniteCount,
            statistics: needsMoments ? VoxelStatistics(moments) : VoxelStatistics(exact: histogram), histogram: histogram)
    }

    /// The lines before the voxels in the bytes that are hashed.
    private static func digestPrefix(shape: VolumeShape, scalarType: ScalarType) -> String {
        "cellar tomogram voxels 1\n\(scalarType.rawValue)\n\(shape.z) \(shape.y) \(shape.x)\n"
    }
}

/// Computes the SHA-256 of a stream on a second thread, one block at a time.
private final class StreamHasher: Sendable {
    private let hash: Mutex<SHA256>
    private let queue = DispatchQueue(label: "cellar.survey.digest")

    init(prefix: String) {
        var hash = SHA256()
        hash.update(prefix.utf8)
        self.hash = Mutex(hash)
    }

    /// Begins to hash a block. The block must not change until ``wait()`` has returned.
    func begin(_ block: UnsafeRawBufferPointer) {
        // Two threads read the block, and none writes it before `wait()`.
        nonisolated(unsafe) let block = block
        queue.async { [self] in hash.withLock { $0.update(block) } }
    }

    /// Waits until all blocks are hashed.
    func wait() { queue.sync {} }

    func finish() -> Digest {
        wait()
        return hash.withLock { $0.digest }
    }
}
