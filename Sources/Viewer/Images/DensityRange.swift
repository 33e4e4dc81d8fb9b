import Basics
import Engine
import Foundation
import Pipeline
import Volumes

/// The densities of a tomogram that become black and white: its percentiles 0.1 and 99.9.
///
/// They are those of all voxels where `describe` has counted them, and else of a sample of sixteen slices.
enum DensityRange {
    private static let percentiles = (low: 0.1, high: 99.9)
    private static let slices = 16
    private static let sampleVoxels = 1 << 18
    private static let sliceVoxels = 4 << 20

    /// - Throws: ``VolumeError`` where the file cannot be read.
    /// - Complexity: opens a small artifact, or reads sixteen slices.
    static func range(of tomogram: OpenTomogram, _ results: StandingResults) throws -> ClosedRange<Float> {
        // A histogram that is damaged, or of another file, says nothing.
        if let histogram = try? results.content(DescribeStep.self, \.histogram, scopeID: tomogram.id)?.histogram,
            histogram.total > 0, histogram.total <= tomogram.volume.shape.count,
            let low = histogram.percentile(percentiles.low), let high = histogram.percentile(percentiles.high)
        {
            return range(low, high)
        }
        return try sampled(tomogram.volume)
    }

    /// The percentiles of a sample; 0 to 0 where no voxel of it is finite.
    static func sampled(_ volume: any Volume) throws(VolumeError) -> ClosedRange<Float> {
        let (shape, chunk) = (volume.shape, volume.chunkShape)
        // Where many slices are stored together, those of the middle chunk: others would have to be decoded for this alone.
        let layer = chunk.z > slices ? shape.z / 2 / chunk.z * chunk.z : 0
        let layers = layer..<(chunk.z > slices ? min(layer + chunk.z, shape.z) : shape.z)
        let count = min(slices, layers.count)
        // Of huge slices the middle rows.
        let rows = min(shape.y, max(1, sliceVoxels / shape.x))
        let firstRow = (shape.y - rows) / 2
        let step = max(1, count * rows * shape.x / sampleVoxels)
        var sample: [Float] = []
        var voxels = VoxelPortion<Float>()
        for index in 0..<count {
            let z = layers.lowerBound + (2 * index + 1) * layers.count / (2 * count)
            guard let box = Box(z: z..<z + 1, y: firstRow..<firstRow + rows, x: 0..<shape.x) else { continue }
            try voxels.read(box, of: volume)
            voxels.withValues { values in
                for voxel in stride(from: index % step, to: values.count, by: step) where values[voxel].isFinite {
                    sample.append(values[voxel])
                }
            }
        }
        guard !sample.isEmpty else { return 0...0 }
        sample.sort()
        func percentile(_ percentage: Double) -> Double {
            Quantile.value(atRank: Quantile.rank(ofPercentile: percentage, count: sample.count), count: sample.count) {
                Double(sample[$0])
            }
        }
        return range(percentile(percentiles.low), percentile(percentiles.high))
    }

    private static func range(_ low: Double, _ high: Double) -> ClosedRange<Float> {
        let (low, high) = (Float(low), Float(high))
        guard low.isFinite, high.isFinite, low <= high else { return 0...0 }
        return low...high
    }
}
