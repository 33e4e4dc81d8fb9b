public import Basics

/// A grid of tiles of equal size that covers an image. It divides a slice for a network of fixed input size.
///
/// Along a side of `L` pixels, `n` tiles that overlap by at least `o` pixels are ⌈(L − o) / n⌉ + o pixels long. The first
/// tile begins at the first pixel and the last tile ends at the last pixel; those between are spaced evenly. Where `L − o` is
/// not a multiple of `n`, some tiles overlap by one pixel more. Two by two without overlap are the quadrants of the method.
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
    /// The least number of pixels by which neighbouring tiles overlap.
    public let overlap: Int
    /// The number of rows of each tile.
    public let tileHeight: Int
    /// The number of pixels of a row of each tile.
    public let tileWidth: Int
    /// The `rows * columns` tiles, row after row of the grid.
    public let tiles: [ImageRegion]

    /// The most tiles along a side.
    public static let gridRange = 1...256

    /// The tiles of an image of `height` × `width` pixels.
    ///
    /// - Throws: ``ImageError`` where a side of the grid is not in ``gridRange``, the overlap is negative, or a side of the
    ///   image has fewer than `tiles + overlap` pixels: two tiles would then be the same.
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

    /// The pixels of each tile along a side.
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

/// Assembles the map of a slice from the maps of its tiles. Where tiles overlap, they are blended.
///
/// With ``Join/separate``, each map is enlarged to its tile by itself, and overlaps are blended linearly.
/// Along an axis the weight of a tile rises from 1 at its first pixel to the middle and falls to 1 at its last (a tent). The
/// weight of a pixel is the product of the weights along y and x, and the result is the weighted mean of all tiles that
/// hold the pixel. Between two tiles that overlap by less than half, this is a linear ramp from one to the other:
///
/// ```
/// tile A   ▔▔▔▔▔╲
///                ╲╱   overlap of o pixels: the weight of B is 1/(o+1), 2/(o+1), … o/(o+1)
///                ╱╲
/// tile B        ╱  ▔▔▔▔▔
/// ```
///
/// A map that is enlarged by itself ends half a cell before the border of its tile, and is constant from there on: where two
/// tiles meet, the result jumps by the whole difference of two neighbouring cells. With ``Join/across``, cells are interpolated
/// across borders, as if all tiles were one grid of cells, and overlaps are blended by a raised cosine: the weight of a tile
/// rises as sin² from its border over the pixels that it shares, and is 1 between.
public struct TileStitching: Hashable, Sendable {
    /// How the maps of neighbouring tiles are joined.
    public enum Join: String, Codable, CaseIterable, Hashable, Sendable {
        /// Each is enlarged by itself; a linear ramp in overlaps.
        case separate
        /// Cells are interpolated across borders; a raised cosine in overlaps.
        case across
    }

    /// The number of rows of the slice.
    public let height: Int
    /// The number of pixels of a row of the slice.
    public let width: Int
    /// The pixels of the slice that each tile covers.
    public let tiles: [ImageRegion]
    /// How the maps of neighbouring tiles are joined.
    public let join: Join

    /// - Throws: ``ImageError`` where a tile does not lie in the slice, or a pixel of the slice lies in no tile.
    /// - Complexity: linear in the pixels of all tiles.
    public init(height: Int, width: Int, tiles: [ImageRegion], join: Join = .separate) throws(ImageError) {
        guard var isCovered = Mask(height: height, width: width, repeating: false) else {
            throw ImageError(.invalidSize, "a slice of \(width) × \(height) pixels cannot be stitched; give sides of 1 or more")
        }
        for tile in tiles {
            guard tile.y.upperBound <= height, tile.x.upperBound <= width else {
                throw ImageError(
                    .invalidSize,
                    "the tile y \(tile.y), x \(tile.x) does not lie in the slice of \(width) × \(height) pixels; "
                        + "give tiles inside of it")
            }
            for y in tile.y {
                for x in tile.x { isCovered[y: y, x: x] = true }
            }
        }
        if let gap = isCovered.values.firstIndex(of: false) {
            throw ImageError(
                .invalidSize,
                "the pixel y \(gap / width), x \(gap % width) of the slice lies in no tile; choose tiles that cover the slice")
        }
        self.height = height
        self.width = width
        self.tiles = tiles
        self.join = join
    }

    /// Stitches the tiles of a grid.
    ///
    /// - Throws: ``ImageError`` where the tiles of the grid do not lie in a slice of this size, or do not cover it.
    public init(height: Int, width: Int, grid: TileGrid, join: Join = .separate) throws(ImageError) {
        try self.init(height: height, width: width, tiles: grid.tiles, join: join)
    }

    /// The map of the slice, `[y][x]`.
    ///
    /// - Parameter maps: one map for each tile, in the order of ``tiles``. A map may have any size: it is resized bilinearly
    ///   to the size of its tile.
    /// - Throws: ``ImageError`` unless there is one map for each tile.
    /// - Complexity: linear in the pixels of all tiles. Memory is five times the result, and the largest tile.
    public func callAsFunction(_ maps: [Image<Float>]) throws(ImageError) -> Image<Float> {
        guard maps.count == tiles.count else {
            throw ImageError(.invalidSize, "there are \(maps.count) maps for \(tiles.count) tiles; give one for each")
        }
        guard join == .separate else { return interpolated(maps) }
        // In float64 the product of weight and value is exact, so that a pixel of one tile keeps its value.
        var sums = [Double](repeating: 0, count: height * width)
        var weights = sums
        for (tile, map) in zip(tiles, maps) {
            let resized = try map.resized(height: tile.height, width: tile.width)
            let (vertical, horizontal) = (Self.ramp(tile.height), Self.ramp(tile.width))
            for row in 0..<tile.height {
                let target = (tile.y.lowerBound + row) * width + tile.x.lowerBound
                for column in 0..<tile.width {
                    let weight = vertical[row] * horizontal[column]
                    sums[target + column] += weight * Double(resized.values[row * tile.width + column])
                    weights[target + column] += weight
                }
            }
        }
        return Image(uncheckedHeight: height, width: width) { result in
            for index in result.indices { result[index] = Float(sums[index] / weights[index]) }
        }
    }

    /// The weights along a side of a tile, for ``Join/separate``: 1, 2, … in the middle …, 2, 1.
    private static func ramp(_ count: Int) -> [Double] { (0..<count).map { Double(min($0 + 1, count - $0)) } }
}
