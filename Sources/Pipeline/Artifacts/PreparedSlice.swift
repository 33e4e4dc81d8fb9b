public import BlobStore
public import Engine
package import ImageProcessing
import Volumes

/// A prepared slice and its tiles as an artifact (Schema/blobs.md, `prepared-slice`), all of 8 bits.
public struct PreparedSlice: ArtifactContent {
    public static let kind = "prepared-slice"

    /// The dataset of the slice, beside which there are tiles and regions.
    package static let sliceDataset = "slice"
    /// y, x, height and width of each tile in the slice.
    private static let regionColumns = 4

    private let artifact: Artifact

    public init(_ artifact: Artifact) { self.artifact = artifact }

    /// The slice `[y][x]`, in which structures are dark.
    package func image() throws -> Image<UInt8> { try artifact.image(Self.sliceDataset) }

    /// The tiles, `[side][side]` each, in the order of their grid: row by row.
    ///
    /// - Throws: ``PipelineError`` where the dataset has another shape.
    /// - Complexity: reads all tiles.
    func tiles() throws -> [Image<UInt8>] {
        let shape = try artifact.description(of: "tiles").shape
        guard shape.count == 3 else {
            throw PipelineError("the tiles of a prepared slice have the shape \(shape); `cellar verify --deep` looks for damage")
        }
        return try (0..<shape[0]).map { index in
            let values: [UInt8] = try artifact.readRows("tiles", index..<index + 1)
            guard let tile = Image(height: shape[1], width: shape[2], values: values) else {
                throw PipelineError(
                    "the tiles of a prepared slice have the shape \(shape); `cellar verify --deep` looks for damage")
            }
            return tile
        }
    }

    /// The size of the slice and the region of each tile in it, without reading a pixel.
    ///
    /// - Throws: ``PipelineError`` where the datasets have other shapes, or a region is empty.
    package func geometry() throws -> (height: Int, width: Int, regions: [ImageRegion]) {
        let shape = try artifact.description(of: Self.sliceDataset).shape
        let numbers: [Int32] = try artifact.read("regions")
        guard shape.count == 2, numbers.count % Self.regionColumns == 0 else {
            throw PipelineError(
                "a prepared slice has the shape \(shape), and \(numbers.count) numbers for its tiles; `cellar verify --deep` looks for "
                    + "damage")
        }
        let regions = try stride(from: 0, to: numbers.count, by: Self.regionColumns).map { index in
            let (y, x, height, width) = (
                Int(numbers[index]), Int(numbers[index + 1]), Int(numbers[index + 2]), Int(numbers[index + 3])
            )
            guard height > 0, width > 0, let region = ImageRegion(y: y..<y + height, x: x..<x + width) else {
                throw PipelineError(
                    "a tile of a prepared slice has \(height) × \(width) pixels at y \(y), x \(x); `cellar verify --deep` looks for damage"
                )
            }
            return region
        }
        return (shape[0], shape[1], regions)
    }

    /// Writes a slice and its tiles.
    ///
    /// - Parameters:
    ///   - regions: the regions of the tiles in the slice, row by row of their grid.
    ///   - side: the side of a tile in pixels.
    ///   - tile: makes the tile of a region, with that side. Called for one region after the other, so that one tile is in memory.
    static func write(
        _ slice: Image<UInt8>, regions: [ImageRegion], side: Int, to artifact: ArtifactWriter,
        tile: (ImageRegion) throws -> Image<UInt8>
    ) throws {
        try artifact.write(sliceDataset, shape: [slice.height, slice.width], values: slice.values)
        let tiles = try artifact.createDataset(
            "tiles", shape: [regions.count, side, side], scalarType: .uint8, chunk: [1, side, side])
        for region in regions { try tiles.append(tile(region).values) }
        let numbers = regions.flatMap { [$0.y.lowerBound, $0.x.lowerBound, $0.height, $0.width] }
        try artifact.write("regions", shape: [regions.count, regionColumns], values: numbers.map(Int32.init))
    }
}
