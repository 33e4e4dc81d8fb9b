package import BlobStore
package import ImageProcessing
import Volumes

/// Maps of whole slices as artifacts (Schema/blobs.md, `feature-map`, `consistent-maps`, `mask`).
package enum MapArtifact {
    static let featureMap = "feature-map"
    static let consistentMaps = "consistent-maps"
    static let mask = "mask"

    /// Writes one map with its least and greatest value.
    static func write(_ map: Image<Float>, to artifact: ArtifactWriter) throws {
        let halves = map.values.map { Float16($0) }
        try artifact.setAttribute("minimum", .real(Double(halves.min() ?? 0)))
        try artifact.setAttribute("maximum", .real(Double(halves.max() ?? 0)))
        try artifact.write("map", shape: [map.height, map.width], values: halves)
    }

    package static func read(_ artifact: Artifact) throws -> Image<Float> {
        let shape = try artifact.dataset("map").shape
        guard shape.count == 2, let map = Image(height: shape[0], width: shape[1], values: try artifact.readFloats("map")) else {
            throw PipelineError("a feature map has the shape \(shape)")
        }
        return map
    }

    static func readMask(_ artifact: Artifact) throws -> Mask { try Mask(nonzero: artifact.image("mask")) }

    /// The least and greatest value of a map, without reading it.
    static func range(_ artifact: Artifact) throws -> ClosedRange<Float> {
        guard case .real(let low)? = artifact.attributes["minimum"], case .real(let high)? = artifact.attributes["maximum"],
            low <= high
        else { throw PipelineError("a feature map does not say what range it has") }
        return Float(low)...Float(high)
    }

    /// One of the maps of a slab.
    static func read(_ artifact: Artifact, slice: Int) throws -> Image<Float> {
        let shape = try artifact.dataset("maps").shape
        guard shape.count == 3, (0..<shape[0]).contains(slice),
            let map = Image(
                height: shape[1], width: shape[2], values: try artifact.readFloats("maps", rows: slice..<slice + 1))
        else { throw PipelineError("the maps of a slab have the shape \(shape), and no slice \(slice)") }
        return map
    }
}
