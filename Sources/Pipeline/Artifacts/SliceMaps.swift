public import BlobStore
public import Engine
package import ImageProcessing
import Volumes

/// The feature map of a slice as an artifact (Schema/blobs.md, `feature-map`): bright where there is structure, float16.
public struct FeatureMap: ArtifactContent {
    public static let kind = "feature-map"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The map, `[y][x]`.
    package func image() throws -> Image<Float> {
        let shape = try self.shape()
        guard shape.count == 2, let map = Image(height: shape[0], width: shape[1], values: try artifact.readFloats("map")) else {
            throw PipelineError("a feature map has the shape \(shape)")
        }
        return map
    }

    /// Rows and columns, without reading a pixel.
    func shape() throws -> [Int] { try artifact.dataset("map").shape }

    /// The least and greatest value of the map, without reading a pixel.
    func range() throws -> ClosedRange<Float> {
        guard case .real(let low)? = artifact.attributes["minimum"], case .real(let high)? = artifact.attributes["maximum"],
            low <= high
        else { throw PipelineError("a feature map does not say what range it has") }
        return Float(low)...Float(high)
    }

    /// Writes a map with its least and greatest value.
    static func write(_ map: Image<Float>, to artifact: ArtifactWriter) throws {
        let halves = map.values.map { Float16($0) }
        try artifact.setAttribute("minimum", .real(Double(halves.min() ?? 0)))
        try artifact.setAttribute("maximum", .real(Double(halves.max() ?? 0)))
        try artifact.write("map", shape: [map.height, map.width], values: halves)
    }
}

/// The maps of a slab's slices after they were made to agree along z (Schema/blobs.md, `consistent-maps`): `[z][y][x]`, float16.
public struct ConsistentMaps: ArtifactContent {
    public static let kind = "consistent-maps"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The map of one of the slab's slices, 0 for the first.
    func map(slice: Int) throws -> Image<Float> {
        let shape = try artifact.dataset("maps").shape
        guard shape.count == 3, (0..<shape[0]).contains(slice),
            let map = Image(
                height: shape[1], width: shape[2], values: try artifact.readFloats("maps", rows: slice..<slice + 1))
        else { throw PipelineError("the maps of a slab have the shape \(shape), and no slice \(slice)") }
        return map
    }

    /// Writes the maps of a slab one after the other.
    struct Writer {
        private let dataset: DatasetWriter

        init(_ artifact: ArtifactWriter, depth: Int, shape: [Int]) throws {
            dataset = try artifact.createDataset("maps", shape: [depth] + shape, scalarType: .float16, chunk: [1] + shape)
        }

        func append(_ map: Image<Float>) throws { try dataset.append(map.values.map { Float16($0) }) }
    }
}

extension Members<ConsistentMaps> {
    /// The map of a slice. Where slabs overlap, the one that was added first counts: another one leaves its labels as they are.
    ///
    /// - Parameter z: of the slice, in the tomogram.
    func map(z: Int) throws -> Image<Float> {
        var first: (id: Int64, maps: ConsistentMaps, slice: Int)?
        try forEachMember { scope, maps in
            guard let range = scope.z, range.contains(z), scope.id < first?.id ?? .max else { return }
            first = (scope.id, maps, z - range.lowerBound)
        }
        guard let first else { throw PipelineError("no slab has a map of the slice \(z)") }
        return try first.maps.map(slice: first.slice)
    }
}

/// The mask of a slice as an artifact (Schema/blobs.md, `mask`): 1 where there is structure.
public struct SliceMask: StoredContent {
    public static let kind = "mask"

    let mask: Mask

    init(_ mask: Mask) { self.mask = mask }

    public init(_ artifact: Artifact) throws { mask = try Mask(nonzero: artifact.image("mask")) }

    public func write(to artifact: ArtifactWriter) throws {
        try artifact.write("mask", shape: [mask.height, mask.width], values: mask.bytes().values)
    }
}
