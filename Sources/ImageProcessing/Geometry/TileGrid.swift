public import Basics

/// Equal tiles, in rows and columns, that cover an image: how a slice is divided for a network of fixed input size.
///
/// Along a side of `L` pixels, `n` tiles that overlap by at least `o` pixels are ⌈(L − o) / n⌉ + o pixels long. The first
/// begins with the image and the last ends with it; those between are spread evenly, so where the side does not divide
/// some overlap by a pixel more. Two by two without overlap are the quadrants of the method.
///
/// ```
/// 10 pixels, 3 tiles, overlap 0:   |0 1 2 3|
///                                        |3 4 5 6|
///                                              |6 7 8 9|
/// ```
public struct TileGrid: Hashable, Sendable {
    /// The number of tiles along y.
    public let rows: Int
    /// The number of tiles along x.
    public let columns: Int
    /// The least number of pixels that neighbours have in common.
    public let overlap: Int
    /// The number of rows of each tile.
    public let tileHeight: Int
    /// The number of pixels of a row of each tile.
    public let tileWidth: Int
    /// The tiles, row after row of the grid: `rows * columns` of them.
    public let tiles: [ImageRegion]

    /// The most tiles along a side.
    public static let gridRange = 1...256

    /// The tiles of an image of `height` × `width` pixels.
    ///
    /// - Throws: ``ImageError`` where a side of the grid lies outside ``gridRange``, the overlap is negative, or the image
    ///   is so small that two tiles would be the same: a side needs as many pixels as tiles, beside the overlap.
    public init(height: Int, width: Int, rows: Int = 2, columns: Int = 2, overlap: Int = 0) throws(ImageError) {
        for side in [rows, columns] where !Self.gridRange.contains(side) {
            throw .parameter("a side of the tile grid", side, mustBe: "in 1 … \(Self.gridRange.upperBound)")
        }
        guard overlap >= 0 else { throw .parameter("the overlap of the tiles", overlap, mustBe: "0 or more") }
        let y = try Self.ranges(side: height, count: rows, overlap: overlap)
        let x = try Self.ranges(side: width, count: columns, overlap: overlap)
        self.rows = rows
        self.columns = columns
        self.overlap = overlap
        self.tileHeight = y[0].count
        self.tileWidth = x[0].count
        self.tiles = y.flatMap { y in x.compactMap { x in ImageRegion(y: y, x: x) } }
    }

    private static func ranges(side: Int, count: Int, overlap: Int) throws(ImageError) -> [Range<Int>] {
        // A single tile has no neighbour to overlap with.
        let overlap = count == 1 ? 0 : overlap
        guard side >= 1, side <= Int(Int32.max), overlap < side, count <= side - overlap else {
            throw ImageError(
                .invalidSize,
                "a side of \(side) pixels cannot be divided into \(count) tiles that overlap by \(overlap); "
                    + "choose fewer tiles or a smaller overlap")
        }
        let length = (side - overlap + count - 1) / count + overlap
        return (0..<count).map { index in
            let first = count == 1 ? 0 : index * (side - length) / (count - 1)
            return first..<first + length
        }
    }
}
