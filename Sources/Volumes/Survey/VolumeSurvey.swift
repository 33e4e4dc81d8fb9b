public import Basics

/// What one pass over all voxels of a volume finds: its digest, its statistics, and the histogram for percentiles.
///
/// **The digest** names the voxels and nothing else. It is the SHA-256 of
///
/// ```
/// cellar tomogram voxels 1\n
/// float32\n                       the name of the scalar type
/// 300 1024 1440\n                 z y x, in decimal
/// …                               the voxels in [z][y][x] order, x fastest, little-endian
/// ```
///
/// so that a new label in the header, compression, byte order, the order of axes, another container or another chunk
/// size do not change it, and any change of a voxel does.
public struct VolumeSurvey: Sendable, Hashable {
    public let shape: VolumeShape
    public let scalarType: ScalarType
    /// The digest of the voxels.
    public let digest: Digest
    /// The number of voxels that are NaN or infinite; statistics and histogram leave them out.
    public let nonFiniteCount: Int
    /// Nil where no voxel is finite.
    public let statistics: VoxelStatistics?
    /// The histogram of the finite voxels.
    public let histogram: Histogram

    /// A survey that was stored.
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

    /// The value below which `percentage` percent of the finite voxels lie; nil where no voxel is finite.
    ///
    /// Exact for voxels of 8 and 16 bits; for others within 2⁻¹¹ of the value: see ``Histogram/percentile(_:)``.
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
    /// Of the population: divided by the number of voxels.
    public let standardDeviation: Double

    public init(minimum: Double, maximum: Double, mean: Double, standardDeviation: Double) {
        self.minimum = minimum
        self.maximum = maximum
        self.mean = mean
        self.standardDeviation = standardDeviation
    }

    /// Nil where there is nothing to take statistics of.
    init?(_ moments: VoxelMoments) {
        guard moments.count > 0 else { return nil }
        self.init(
            minimum: moments.minimum, maximum: moments.maximum, mean: moments.mean, standardDeviation: moments.standardDeviation)
    }

    /// Statistics from a histogram whose bins are exact.
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
