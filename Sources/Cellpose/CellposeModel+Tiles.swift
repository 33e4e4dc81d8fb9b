internal import ImageProcessing
internal import Tensors

extension CellposeModel {
    /// The network's three maps of an image, and its style, from tiles that overlap.
    ///
    /// Rows of tiles are averaged as they come; the weights of a grid of tiles are products of those along y and along x.
    func run(_ image: Image<Float>, tilesAtOnce: Int) -> (maps: [Image<Float>], style: [Float]) {
        let (rows, columns) = (TileLine(side: image.height), TileLine(side: image.width))
        let places = rows.starts.flatMap { y in columns.starts.map { x in (y: y, x: x) } }
        let weights = (y: rows.weights, x: columns.weights)
        var sums = [[Float]](
            repeating: [Float](repeating: 0, count: rows.padded * columns.padded), count: NetworkLayout.outputs)
        var style = [Float](repeating: 0, count: network.widths[network.widths.count - 1])
        for first in stride(from: 0, to: places.count, by: tilesAtOnce) {
            let some = Array(places[first..<min(first + tilesAtOnce, places.count)])
            let output = network(tiles(of: image, at: some, rows, columns))
            for (index, value) in output.style.values.enumerated() { style[index % style.count] += value }
            output.maps.withUnsafeBufferPointer { maps in
                for channel in sums.indices {
                    sums[channel].withUnsafeMutableBufferPointer { sum in
                        for (tile, place) in some.enumerated() {
                            for y in 0..<rows.length {
                                let row = (tile * rows.length + y) * columns.length
                                let target = (place.y + y) * columns.padded + place.x
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

    /// Tiles of the padded image: the image in the first channel, zeros in the others.
    private func tiles(
        of image: Image<Float>, at places: [(y: Int, x: Int)], _ rows: TileLine, _ columns: TileLine
    ) -> Tensor {
        let channels = network.widths[0]
        return Tensor(shape: [places.count, rows.length, columns.length, channels]) { target in
            target.update(repeating: 0)
            for (tile, place) in places.enumerated() {
                for y in 0..<rows.length {
                    let row = place.y + y - rows.before
                    guard (0..<image.height).contains(row) else { continue }
                    let columnsInside = max(place.x, columns.before)..<min(place.x + columns.length, columns.before + image.width)
                    for x in columnsInside {
                        target[((tile * rows.length + y) * columns.length + x - place.x) * channels] =
                            image.values[row * image.width + x - columns.before]
                    }
                }
            }
        }
    }
}

extension Image<Float> {
    /// An image of the same size, of what the closure gives for each row and column.
    fileprivate func replacingPixels(_ pixel: (_ y: Int, _ x: Int) -> Float) -> Image {
        var result = self
        for y in 0..<height {
            for x in 0..<width { result[y: y, x: x] = pixel(y, x) }
        }
        return result
    }
}
