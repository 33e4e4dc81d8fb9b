public import Basics
import Foundation

/// What an image looks like around each cell of a coarse grid, without any learned weights: blobs and lines at several scales.
///
/// For each scale s: the difference of the Gaussians of s and 1.6 s (signed, and its size), and, but for the coarsest, the
/// structure tensor of the image blurred by s, integrated over 2 s: its trace, as logarithm, and its coherence, 0 for a spot, 1
/// for a line (Bigün and Granlund, 1987). Beside them the density blurred by 4 pixels. All are means over a cell, and each channel
/// is brought to mean 0 and variance 1 over the image: logarithms would otherwise outweigh densities.
public struct StructureChannels: Sendable {
    /// Rows of cells.
    public let height: Int
    /// Cells of a row.
    public let width: Int
    /// The channels' names: `dog-2`, `edge-2`, `energy-2`, `coherence-2`, `density`.
    public let names: [String]
    /// `[cell][channel]`, cells row by row.
    public let values: [Float]

    /// - Parameters:
    ///   - image: any range of values, whole cells.
    ///   - cell: the side of a cell in pixels.
    ///   - scales: of blobs and lines, in pixels, ascending.
    /// - Throws: ``ImageError`` where cells do not divide the image.
    /// - Complexity: 40 ms for 512 × 512 pixels.
    public init(_ image: Image<UInt8>, cell: Int = 8, scales: [Double] = [1, 2, 4, 8]) throws(ImageError) {
        guard cell > 0, image.height % cell == 0, image.width % cell == 0 else {
            throw ImageError(.invalidSize, "an image of \(image.height) × \(image.width) pixels is not made of cells of \(cell)")
        }
        let density = image.map { Float($0) / 255 }
        var channels: [(name: String, image: Image<Float>)] = []
        for scale in scales {
            let fine = try density.blurred(by: GaussianKernel(sigma: scale))
            let coarse = try density.blurred(by: GaussianKernel(sigma: 1.6 * scale))
            let difference = Image<Float>(sizeOf: fine) { target in
                for index in target.indices { target[index] = fine.values[index] - coarse.values[index] }
            }
            channels.append(("dog-\(Int(scale))", difference))
            channels.append(("edge-\(Int(scale))", difference.map(abs)))
            guard scale != scales.last else { continue }
            let (energy, coherence) = try Self.tensor(of: fine, integration: GaussianKernel(sigma: 2 * scale))
            channels.append(("energy-\(Int(scale))", energy))
            channels.append(("coherence-\(Int(scale))", coherence))
        }
        channels.append(("density", try density.blurred(by: GaussianKernel(sigma: 4))))
        height = image.height / cell
        width = image.width / cell
        names = channels.map(\.name)
        var values = [Float](repeating: 0, count: height * width * channels.count)
        for (channel, entry) in channels.enumerated() {
            let means = entry.image.means(ofCells: cell)
            let mean = means.reduce(0) { $0 + Double($1) } / Double(means.count)
            let squares = means.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
            let deviation = (squares / Double(means.count)).squareRoot()
            // Rounding alone makes the channel of a constant image vary a little.
            let scale = deviation > 1e-5 ? 1 / deviation : 0
            for (place, value) in means.enumerated() {
                values[place * channels.count + channel] = Float((Double(value) - mean) * scale)
            }
        }
        self.values = values
    }

    /// Trace and coherence of the structure tensor.
    private static func tensor(
        of image: Image<Float>, integration: GaussianKernel
    ) throws(ImageError) -> (energy: Image<Float>, coherence: Image<Float>) {
        let slope: [Float] = [-0.5, 0, 0.5]
        let (dx, dy) = (image.filtered(rows: slope), image.filtered(columns: slope))
        func product(_ a: Image<Float>, _ b: Image<Float>) -> Image<Float> {
            Image<Float>(sizeOf: a) { target in for index in target.indices { target[index] = a.values[index] * b.values[index] }
            }
            .blurred(by: integration)
        }
        let (xx, xy, yy) = (product(dx, dx), product(dx, dy), product(dy, dy))
        let energy = Image<Float>(sizeOf: image) { target in
            // Half a grey level squared: below it there is nothing but rounding.
            for index in target.indices { target[index] = logf(xx.values[index] + yy.values[index] + 4e-6) }
        }
        let coherence = Image<Float>(sizeOf: image) { target in
            for index in target.indices {
                let (a, b, c) = (xx.values[index], xy.values[index], yy.values[index])
                target[index] = ((a - c) * (a - c) + 4 * b * b).squareRoot() / (a + c + 4e-6)
            }
        }
        return (energy, coherence)
    }
}

extension Image<Float> {
    /// Correlated with weights along x.
    fileprivate func filtered(rows weights: [Float]) -> Image<Float> {
        let radius = weights.count / 2
        let places = (-radius..<width + radius).map { BorderRule.reflect101.inside($0, width) }
        var padded = [Float](repeating: 0, count: places.count)
        return Image(sizeOf: self) { result in
            for y in 0..<height {
                let row = y * width
                for (index, place) in places.enumerated() { padded[index] = values[row + place] }
                Self.correlate(padded, weights, into: UnsafeMutableBufferPointer(rebasing: result[row..<row + width]))
            }
        }
    }

    private static func correlate(_ padded: [Float], _ weights: [Float], into row: UnsafeMutableBufferPointer<Float>) {
        padded.withUnsafeBufferPointer { padded in
            for x in row.indices { row[x] = weights[0] * padded[x] }
            for (offset, weight) in weights.enumerated().dropFirst() {
                for x in row.indices { row[x] += weight * padded[x &+ offset] }
            }
        }
    }

    /// Correlated with weights along y.
    fileprivate func filtered(columns weights: [Float]) -> Image<Float> {
        let radius = weights.count / 2
        return Image(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                for y in 0..<height {
                    let row = UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width])
                    row.initialize(repeating: 0)
                    for (offset, weight) in weights.enumerated() {
                        let source = BorderRule.reflect101.inside(y + offset - radius, height) * width
                        for x in 0..<width { row[x] += weight * values[source &+ x] }
                    }
                }
            }
        }
    }
}
