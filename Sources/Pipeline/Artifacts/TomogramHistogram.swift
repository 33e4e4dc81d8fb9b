public import BlobStore
public import Engine
import Foundation
package import Volumes

/// The histogram of a tomogram's densities as an artifact (Schema/blobs.md, `tomogram-histogram`).
public struct TomogramHistogram: StoredContent {
    public static let kind = "tomogram-histogram"

    package let histogram: Histogram

    init(_ histogram: Histogram) { self.histogram = histogram }

    /// - Throws: ``PipelineError`` where the binning is unknown, or keys and counts contradict each other.
    public init(_ artifact: Artifact) throws {
        guard case .string(let name)? = artifact.attributes["binning"], let binning = Histogram.Binning(rawValue: name) else {
            throw PipelineError("the histogram \(artifact.path) has no binning that is known here; run `cellar verify --deep`")
        }
        let isEmpty = !artifact.datasets.contains { $0.name == "keys" }
        let keys = isEmpty ? [] : try artifact.read("keys", as: Int32.self)
        let counts = isEmpty ? [] : try artifact.read("counts", as: Int64.self)
        guard let histogram = Histogram(binning: binning, keys: keys, counts: counts.map(Int.init)) else {
            throw PipelineError("the histogram \(artifact.path) contradicts itself; run `cellar verify --deep`")
        }
        self.histogram = histogram
    }

    public func write(to artifact: ArtifactWriter) throws {
        try artifact.setAttribute("binning", .string(histogram.binning.rawValue))
        // A tomogram without a finite voxel has no bin, and HDF5 datasets here have at least one element.
        if histogram.keys.isEmpty { return }
        try artifact.write("keys", shape: [histogram.keys.count], values: histogram.keys)
        try artifact.write("counts", shape: [histogram.counts.count], values: histogram.counts.map(Int64.init))
    }
}

/// The normalisation of a tomogram's densities for networks: clipping at the percentiles 0.5 and 99.5, then (x − mean) / standard deviation
/// of the clipped densities. Because of the clipping, gold beads and dust do not change it. It is computed from the histogram alone.
struct DensityScaling: Sendable {
    /// The densities at the two percentiles.
    let range: ClosedRange<Float>
    /// The mean of the clipped densities.
    let mean: Double
    let standardDeviation: Double

    /// Whether voxels differ, so that there is something to scale.
    static func isPossible(with histogram: Histogram) -> Bool {
        guard let low = histogram.percentile(0.5), let high = histogram.percentile(99.5) else { return false }
        return low < high
    }

    /// - Parameter tomogram: its name, for the message.
    /// - Throws: ``PipelineError`` where the two percentiles are equal, or no voxel is finite.
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

    /// Clips the densities of a box; NaN becomes the mean.
    func clipped(_ values: [Float]) -> [Float] {
        let (low, high, mean) = (range.lowerBound, range.upperBound, Float(mean))
        return values.map { $0.isNaN ? mean : min(max($0, low), high) }
    }

    /// Clips and normalises the densities of a box, as the input of a network; NaN becomes 0.
    func normalized(_ values: [Float]) -> [Float] {
        let (low, high) = (range.lowerBound, range.upperBound)
        let (mean, factor) = (Float(mean), Float(1 / standardDeviation))
        return values.map { $0.isNaN ? 0 : (min(max($0, low), high) - mean) * factor }
    }
}
