import Foundation
import Volumes

/// How the densities of a tomogram become what a network sees: cut off at the percentiles 0.5 and 99.5, then moved and scaled to mean 0 and
/// standard deviation 1 over the tomogram. Beads of gold and dust change nothing so.
struct DensityScaling: Sendable {
    let range: ClosedRange<Float>
    /// Of the densities that were cut off.
    let mean: Double
    let standardDeviation: Double

    /// - Throws: ``PipelineError`` where all voxels are the same, or none is a number.
    init(_ histogram: Histogram, of tomogram: String) throws {
        guard let low = histogram.percentile(0.5), let high = histogram.percentile(99.5), low < high else {
            throw PipelineError(
                "the voxels of \(tomogram) are all the same, or no numbers, so that a network sees nothing; look at its file")
        }
        let total = Double(histogram.total)
        var (sum, squares) = (0.0, 0.0)
        for (key, count) in zip(histogram.keys, histogram.counts) {
            let bounds = histogram.bounds(ofKey: key)
            let value = min(max((bounds.lowerBound + bounds.upperBound) / 2, low), high) - low
            sum += value * Double(count)
            squares += value * value * Double(count)
        }
        range = Float(low)...Float(high)
        mean = low + sum / total
        standardDeviation = max(squares / total - (sum / total) * (sum / total), .leastNormalMagnitude).squareRoot()
    }

    /// The densities of a box, cut off; what is no number has the mean.
    func clipped(_ values: [Float]) -> [Float] {
        let (low, high, mean) = (range.lowerBound, range.upperBound, Float(mean))
        return values.map { $0.isNaN ? mean : min(max($0, low), high) }
    }

    /// The densities of a box, as a network sees them.
    func normalized(_ values: [Float]) -> [Float] {
        let (low, high) = (range.lowerBound, range.upperBound)
        let (mean, factor) = (Float(mean), Float(1 / standardDeviation))
        return values.map { $0.isNaN ? 0 : (min(max($0, low), high) - mean) * factor }
    }
}
