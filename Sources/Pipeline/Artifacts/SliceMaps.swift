import Basics
public import BlobStore
public import Engine
package import ImageProcessing
import Volumes

/// The feature map of a slice as an artifact (Schema/blobs.md, `feature-map`): float16 `[y][x]`, bright where there is structure.
public struct FeatureMap: ArtifactContent {
    public static let kind = "feature-map"

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The map `[y][x]`.
    package func image() throws -> Image<Float> {
        let shape = try self.shape()
        guard shape.count == 2, let map = Image(height: shape[0], width: shape[1], values: try artifact.readFloats("map")) else {
            throw PipelineError("a feature map has the shape \(shape); `cellar verify --deep` looks for damage")
        }
        return map
    }

    /// `[rows, columns]`, without reading a pixel.
    func shape() throws -> [Int] { try artifact.description(of: "map").shape }

    /// The least and greatest value of the map, from attributes: without reading a pixel.
    ///
    /// - Throws: ``PipelineError`` where the attributes are missing.
    func range() throws -> ClosedRange<Float> {
        guard case .real(let low)? = artifact.attributes["minimum"], case .real(let high)? = artifact.attributes["maximum"],
            low <= high
        else { throw PipelineError("a feature map does not say what range it has; `cellar verify --deep` looks for damage") }
        return Float(low)...Float(high)
    }

    /// The densities that become 0 and 1 of a map of densities, whose slab is scaled together; nil for a map that is scaled.
    package func scale() -> ClosedRange<Float>? {
        guard case .reals(let ends)? = artifact.attributes["scale"], ends.count == 2, ends[0] <= ends[1] else { return nil }
        return Float(ends[0])...Float(ends[1])
    }

    private static let skipped = "skipped"

    /// Whether nobody looked at the slice, so that the map is empty.
    package var isSkipped: Bool { artifact.attributes[Self.skipped] == .integer(1) }

    /// Writes a map with its least and greatest value.
    ///
    /// - Parameters:
    ///   - scale: the densities that would become 0 and 1, where the map is one of densities; nil where it is scaled.
    ///   - isSkipped: whether nobody looked at the slice.
    static func write(
        _ map: Image<Float>, scale: ClosedRange<Float>? = nil, isSkipped: Bool = false, to artifact: ArtifactWriter
    ) throws {
        if isSkipped { try artifact.setAttribute(skipped, .integer(1)) }
        let halves = map.values.map { Float16($0) }
        if let scale {
            try artifact.setAttribute("scale", .reals([Double(scale.lowerBound), Double(scale.upperBound)]))
        }
        try artifact.setAttribute("minimum", .real(Double(halves.min() ?? 0)))
        try artifact.setAttribute("maximum", .real(Double(halves.max() ?? 0)))
        try artifact.write("map", shape: [map.height, map.width], values: halves)
    }
}

/// The feature maps of a slab's slices after the comparison along z (Schema/blobs.md, `consistent-maps`): float16 `[z][y][x]`.
public struct ConsistentMaps: ArtifactContent {
    public static let kind = "consistent-maps"

    let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The map `[y][x]` of one slice of the slab; 0 is the first slice of the slab.
    ///
    /// - Throws: ``PipelineError`` where there is no such slice.
    /// - Complexity: reads one slice.
    func map(slice: Int) throws -> Image<Float> {
        let shape = try artifact.description(of: "maps").shape
        guard shape.count == 3, (0..<shape[0]).contains(slice),
            let map = Image(
                height: shape[1], width: shape[2], values: try artifact.readFloats("maps", rows: slice..<slice + 1))
        else {
            throw PipelineError(
                "the maps of a slab have the shape \(shape), and no slice \(slice); `cellar verify --deep` looks for damage")
        }
        return map
    }

    /// Writes the maps of a slab in order of z, one at a time.
    struct Writer {
        private let dataset: DatasetWriter

        init(_ artifact: ArtifactWriter, depth: Int, shape: [Int]) throws {
            dataset = try artifact.createDataset("maps", shape: [depth] + shape, scalarType: .float16, chunk: [1] + shape)
        }

        func append(_ map: Image<Float>) throws { try dataset.append(map.values.map { Float16($0) }) }
    }
}

extension RelatedArtifacts<ConsistentMaps> {
    /// The map `[y][x]` of a slice. Where slabs overlap, the map of the slab that was added first is used, so that another slab that is added
    /// later does not change the masks of the first one.
    ///
    /// - Parameter z: the slice's index in the tomogram.
    /// - Throws: ``PipelineError`` where no slab has the slice.
    func map(z: Int) throws -> Image<Float> {
        var first: (id: Int64, maps: ConsistentMaps, slice: Int)?
        try forEachScope { scope, maps in
            guard let range = scope.z, range.contains(z), scope.id < first?.id ?? .max else { return }
            first = (scope.id, maps, z - range.lowerBound)
        }
        guard let first else { throw PipelineError(mistake: .item, "no slab has a map of the slice \(z)") }
        return try first.maps.map(slice: first.slice)
    }
}

/// The foreground mask of a slice as an artifact (Schema/blobs.md, `mask`): uint8 `[y][x]`, 1 where there is structure.
public struct SliceMask: StoredContent {
    public static let kind = "mask"

    /// `[y][x]`, true where there is structure.
    package let mask: Mask

    init(_ mask: Mask) { self.mask = mask }

    public init(_ artifact: Artifact) throws { mask = try Mask(nonzero: artifact.image("mask")) }

    public func write(to artifact: ArtifactWriter) throws {
        try artifact.write("mask", shape: [mask.height, mask.width], values: mask.bytes().values)
    }
}

extension Artifact {
    /// Reads a dataset `[y][x]`.
    ///
    /// - Throws: ``PipelineError`` where the dataset is not two-dimensional, ``BlobError`` where there is no dataset of that name and type.
    func image<Pixel: VoxelScalar>(_ name: String, as type: Pixel.Type = Pixel.self) throws -> Image<Pixel> {
        let shape = try description(of: name).shape
        guard shape.count == 2, let image = Image(height: shape[0], width: shape[1], values: try read(name, as: type)) else {
            throw PipelineError(
                "\(name) in the artifact \(path) has the shape \(shape), and is no image; `cellar verify --deep` looks for damage"
            )
        }
        return image
    }
}
