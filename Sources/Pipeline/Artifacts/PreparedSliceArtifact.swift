import BlobStore
import ImageProcessing
import Volumes

/// A prepared slice and its tiles as an artifact (Schema/blobs.md, `prepared-slice`).
enum PreparedSliceArtifact {
    static let kind = "prepared-slice"

    /// - Parameter side: the side that tiles are resized to, in pixels.
    static func write(_ slice: Image<UInt8>, tiles grid: TileGrid, side: Int, to artifact: ArtifactWriter) throws {
        try artifact.write("slice", shape: [slice.height, slice.width], values: slice.values)
        let tiles = try artifact.createDataset(
            "tiles", shape: [grid.tiles.count, side, side], scalarType: .uint8, chunk: [1, side, side])
        for region in grid.tiles {
            try tiles.append(try slice.cropped(to: region).resized(height: side, width: side).values)
        }
        // y, x, height, width of each tile in the slice.
        let regions = grid.tiles.flatMap { [$0.y.lowerBound, $0.x.lowerBound, $0.height, $0.width] }
        try artifact.write("regions", shape: [grid.tiles.count, 4], values: regions.map(Int32.init))
    }
}
