import Foundation

extension TileStitching {
    /// The map of the slice with ``Join/across``: each cell of a map has a bilinear weight in the pixels around its centre, also
    /// in those beyond the border of its tile, and a pixel is the weighted mean of all cells that reach it.
    ///
    /// - Parameter maps: one for each tile.
    /// - Complexity: linear in the pixels of all tiles, and of half a cell around them. Memory is five times the result, and the
    ///   largest tile.
    func interpolated(_ maps: [Image<Float>]) -> Image<Float> {
        let shared = (y: Self.sharedPixels(tiles.map(\.y)), x: Self.sharedPixels(tiles.map(\.x)))
        var sums = [Double](repeating: 0, count: height * width)
        var weights = sums
        for (tile, map) in zip(tiles, maps) {
            let rows = CellWeights(side: tile.y, cells: map.height, within: height, shared: shared.y)
            let columns = CellWeights(side: tile.x, cells: map.width, within: width, shared: shared.x)
            let widened = map.values.withUnsafeBufferPointer { values in
                (0..<map.height).map { row in
                    columns.weighted { Double(values[row * map.width + $0]) }
                }
            }
            for (y, row) in zip(rows.pixels, rows.pairs) {
                let (above, below) = (widened[row.first], widened[row.second])
                let first = y * width + columns.pixels.lowerBound
                for (x, column) in columns.pairs.enumerated() {
                    sums[first + x] += row.firstWeight * above[x] + row.secondWeight * below[x]
                    weights[first + x] += row.weight * column.weight
                }
            }
        }
        return Image(uncheckedHeight: height, width: width) { result in
            for index in result.indices { result[index] = Float(sums[index] / weights[index]) }
        }
    }

    /// The most pixels that two tiles which follow each other along an axis share.
    private static func sharedPixels(_ sides: [Range<Int>]) -> Int {
        let sides = Set(sides).sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
        return zip(sides, sides.dropFirst()).map { $0.upperBound - $1.lowerBound }.max().map { max($0, 0) } ?? 0
    }
}

/// Along one axis, the pixels that the cells of a tile reach, and the weights of the two cells around each.
private struct CellWeights {
    /// Two cells, the second after the first, or the same one where there is no other; their weights, 0 where a cell does not
    /// exist.
    struct Pair {
        let first: Int
        let second: Int
        let firstWeight: Double
        let secondWeight: Double

        var weight: Double { firstWeight + secondWeight }
    }

    /// The pixels of the slice: those of the tile, and half a cell on either side.
    let pixels: Range<Int>
    /// One for each pixel.
    let pairs: [Pair]

    /// - Parameters:
    ///   - side: the pixels of the tile.
    ///   - cells: the number of cells of its map.
    ///   - within: the number of pixels of the slice.
    ///   - shared: the pixels at a border over which the weight rises.
    init(side: Range<Int>, cells: Int, within count: Int, shared: Int) {
        let cell = Double(side.count) / Double(cells)
        let reach = Int((cell / 2).rounded(.up))
        pixels = max(side.lowerBound - reach, 0)..<min(side.upperBound + reach, count)
        pairs = pixels.map { pixel in
            let position = (Double(pixel - side.lowerBound) + 0.5) / cell - 0.5
            let before = Int(position.rounded(.down))
            let fraction = position - Double(before)
            let window = Self.window(min(max(pixel, side.lowerBound), side.upperBound - 1), of: side, shared: shared)
            func weight(_ cell: Int, _ weight: Double) -> Double { (0..<cells).contains(cell) ? weight * window : 0 }
            func inside(_ cell: Int) -> Int { min(max(cell, 0), cells - 1) }
            return Pair(
                first: inside(before), second: inside(before + 1), firstWeight: weight(before, 1 - fraction),
                secondWeight: weight(before + 1, fraction))
        }
    }

    /// The weighted sum of the values of the two cells around each pixel.
    func weighted(_ value: (_ cell: Int) -> Double) -> [Double] {
        pairs.map { $0.firstWeight * value($0.first) + $0.secondWeight * value($0.second) }
    }

    /// The weight of a tile in one of its pixels: a raised cosine at both ends, 1 between.
    private static func window(_ pixel: Int, of side: Range<Int>, shared: Int) -> Double {
        let distance = Double(min(pixel - side.lowerBound, side.upperBound - 1 - pixel)) + 0.5
        guard distance < Double(shared) else { return 1 }
        let sine = sin(.pi / 2 * distance / Double(shared))
        return sine * sine
    }
}
