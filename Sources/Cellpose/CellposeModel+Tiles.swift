internal import Glibc
internal import ImageProcessing
internal import Tensors

extension CellposeModel {
    /// The network's three maps of an image, and its style, from overlapping tiles.
    ///
    /// In overlaps the maps are averaged with the weights of the tiles. A weight is the product of one along y and one along x,
    /// and so is the sum of weights at a pixel. The style is the mean over the tiles, normalised to length 1.
    func run(_ image: Image<Float>, tilesAtOnce: Int) -> (maps: [Image<Float>], style: [Float]) {
        let (rows, columns) = (TileLine(side: image.height), TileLine(side: image.width))
        let origins = rows.starts.flatMap { y in columns.starts.map { x in (y: y, x: x) } }
        let weights = (y: rows.weights, x: columns.weights)
        var sums = [[Float]](
            repeating: [Float](repeating: 0, count: rows.padded * columns.padded), count: NetworkLayout.outputs)
        var style = [Float](repeating: 0, count: network.widths[network.widths.count - 1])
        for first in stride(from: 0, to: origins.count, by: tilesAtOnce) {
            let some = Array(origins[first..<min(first + tilesAtOnce, origins.count)])
            let output = network(tiles(of: image, at: some, rows, columns))
            for (index, value) in output.style.values.enumerated() { style[index % style.count] += value }
            output.maps.withUnsafeBufferPointer { maps in
                for channel in sums.indices {
                    sums[channel].withUnsafeMutableBufferPointer { sum in
                        for (tile, origin) in some.enumerated() {
                            for y in 0..<rows.length {
                                let row = (tile * rows.length + y) * columns.length
                                let target = (origin.y + y) * columns.padded + origin.x
                                for x in 0..<columns.length {
                                    sum[target + x] +=
                                        maps[(row + x) * NetworkLayout.outputs + channel] * (weights.y[y] * weights.x[x])
                                }
                            }
                        }
                    }
                }
            }
        }
        let totals = (y: rows.weightSums, x: columns.weightSums)
        let maps = sums.map { sum in
            image.replacingPixels { y, x in
                let (row, column) = (y + rows.before, x + columns.before)
                return sum[row * columns.padded + column] / (totals.y[row] * totals.x[column])
            }
        }
        let length = style.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return (maps, style.map { $0 / length })
    }

    /// Tiles of the padded image, `[tile, y, x, channel]`: the image in the first channel, zeros in the others.
    private func tiles(
        of image: Image<Float>, at origins: [(y: Int, x: Int)], _ rows: TileLine, _ columns: TileLine
    ) -> Tensor {
        let channels = network.widths[0]
        return Tensor(shape: [origins.count, rows.length, columns.length, channels]) { target in
            target.update(repeating: 0)
            for (tile, origin) in origins.enumerated() {
                for y in 0..<rows.length {
                    let row = origin.y + y - rows.before
                    guard (0..<image.height).contains(row) else { continue }
                    let columnsInside =
                        max(origin.x, columns.before)..<min(origin.x + columns.length, columns.before + image.width)
                    for x in columnsInside {
                        target[((tile * rows.length + y) * columns.length + x - origin.x) * channels] =
                            image.values[row * image.width + x - columns.before]
                    }
                }
            }
        }
    }
}

extension Image<Float> {
    /// An image of the same size, whose pixels the closure returns for each row and column.
    fileprivate func replacingPixels(_ pixel: (_ y: Int, _ x: Int) -> Float) -> Image {
        var result = self
        for y in 0..<height {
            for x in 0..<width { result[y: y, x: x] = pixel(y, x) }
        }
        return result
    }
}

/// The padding and the tiles along one side of an image, as in CellPose.
///
/// The side is padded to a multiple of 16, and by 8 more at each end. Tiles are 224 pixels long, or as long as the padded side if
/// that is shorter; they overlap by a tenth or more. In overlaps, results are averaged with weights that decrease towards a
/// tile's ends.
struct TileLine: Hashable, Sendable {
    /// The length of a tile in pixels, unless the padded side is shorter.
    static let mostLength = 224
    private static let overlap = 0.1

    /// The number of pixels without padding.
    let side: Int
    /// The number of padding pixels before the first pixel.
    let before: Int
    /// The number of pixels with padding.
    let padded: Int
    /// The number of pixels of a tile.
    let length: Int
    /// The first pixel of each tile, in the padded side.
    let starts: [Int]

    /// - Parameter side: 1 or more.
    init(side: Int) {
        self.side = side
        let missing = (16 - side % 16) % 16
        before = 8 + missing / 2
        padded = side + missing + 16
        length = min(Self.mostLength, padded)
        let count =
            padded <= Self.mostLength ? 1 : Int(((1 + 2 * Self.overlap) * Double(padded) / Double(Self.mostLength)).rounded(.up))
        let last = padded - length
        let step = count > 1 ? Double(last) / Double(count - 1) : 0
        starts = (0..<count).map { $0 == count - 1 ? last : Int(Double($0) * step) }
    }

    /// The weight of each pixel of a tile: 1 / (1 + e^((d − 92) / 7.5)), where d is the distance from the middle of 224 pixels. A
    /// shorter tile has the weights of the pixels in the middle.
    var weights: [Float] {
        let half = Self.mostLength / 2
        return (half - length / 2..<half + length - length / 2).map { pixel in
            let distance = abs(Double(pixel) - (Double(Self.mostLength) - 1) / 2)
            return Float(1 / (1 + exp((distance - (Double(half) - 20)) / 7.5)))
        }
    }

    /// The sum of the weights of all tiles at each pixel of the padded side.
    var weightSums: [Float] {
        var sums = [Float](repeating: 0, count: padded)
        let weights = weights
        for start in starts {
            for (offset, weight) in weights.enumerated() { sums[start + offset] += weight }
        }
        return sums
    }
}
