public import BlobStore
public import Engine
import Volumes

/// A tomogram's histogram as an artifact (Schema/blobs.md, `tomogram-histogram`).
public struct TomogramHistogram: StoredContent {
    public static let kind = "tomogram-histogram"

    let histogram: Histogram

    init(_ histogram: Histogram) { self.histogram = histogram }

    /// - Throws: ``PipelineError`` where the artifact is no histogram.
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
        // A tomogram without a finite voxel has no bin; a dataset has at least one element.
        if histogram.keys.isEmpty { return }
        try artifact.write("keys", shape: [histogram.keys.count], values: histogram.keys)
        try artifact.write("counts", shape: [histogram.counts.count], values: histogram.counts.map(Int64.init))
    }
}
