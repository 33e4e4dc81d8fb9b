public import Basics

/// Puts the maps of tiles together to one of the slice. Where tiles overlap they are blended linearly.
///
/// Along an axis the weight of a tile rises from 1 at its first pixel to the middle and falls to 1 at its last; a
/// pixel's weight is the product of both axes', and what the tiles say of a pixel is averaged by weight. Between two
/// tiles that overlap by less than half, that is a linear ramp from one to the other:
///
/// ```
/// tile A   ▔▔▔▔▔╲
///                ╲╱   overlap of o pixels: the weight of B is 1/(o+1), 2/(o+1), … o/(o+1)
///                ╱╲
/// tile B        ╱  ▔▔▔▔▔
/// ```
public struct TileStitching: Hashable, Sendable {
    /// The number of rows of the slice.
    public let height: Int
    /// The number of pixels of a row of the slice.
    public let width: Int
    public let tiles: [ImageRegion]

    /// - Throws: ``ImageError`` where a tile does not lie in the slice, or a pixel of the slice lies in no tile.
    /// - Complexity: linear in the pixels of all tiles.
    public init(height: Int, width: Int, tiles: [ImageRegion]) throws(ImageError) {
        guard var isCovered = Mask(height: height, width: width, repeating: false) else {
            throw ImageError(.invalidSize, "a slice of \(width) × \(height) pixels cannot be stitched")
        }
        for tile in tiles {
            guard tile.y.upperBound <= height, tile.x.upperBound <= width else {
                throw ImageError(
                    .invalidSize,
                    "the tile y \(tile.y), x \(tile.x) does not lie in the slice of \(width) × \(height) pixels")
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
    }

    /// For the tiles of a grid.
    ///
    /// - Throws: ``ImageError`` where the grid is not of a slice of this size.
    public init(height: Int, width: Int, grid: TileGrid) throws(ImageError) {
        try self.init(height: height, width: width, tiles: grid.tiles)
    }

    /// The map of the slice.
    ///
    /// - Parameter maps: one for each tile, in their order, of any size: each is resized bilinearly to the pixels of
    ///   its tile.
    /// - Throws: ``ImageError`` unless there is one map for each tile.
    /// - Complexity: linear in the pixels of all tiles; memory is five times the slice, and the largest tile.
    public func callAsFunction(_ maps: [Image<Float>]) throws(ImageError) -> Image<Float> {
        guard maps.count == tiles.count else {
            throw ImageError(.invalidSize, "there are \(maps.count) maps for \(tiles.count) tiles; give one for each")
        }
        // In float64 a product of weight and value is exact: where there is one tile, its values stay as they are.
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

    /// The weights along a side of a tile.
    private static func ramp(_ count: Int) -> [Double] { (0..<count).map { Double(min($0 + 1, count - $0)) } }
}
