public import Basics
import Foundation

/// Features of an image on a coarse grid of cells, without learned weights: differences of Gaussians and structure tensors at
/// several scales, which respond to blobs and lines.
///
/// For each scale s (σ in pixels) there are two channels: the difference of the Gaussians of σ = s and 1.6 s, and its absolute
/// value. Each scale but the last has two more, from the structure tensor of the image blurred with σ = s, integrated with
/// σ = 2 s: the logarithm of its trace (energy), and its coherence, 0 for a spot and 1 for a line (Bigün and Granlund, 1987).
/// The last channel is the density blurred with σ = 4. All are means over a cell. Each channel is normalized to mean 0 and
/// variance 1 over the image; otherwise the logarithms would outweigh the densities.
public struct StructureChannels: Sendable {
    /// The number of rows of cells.
    public let height: Int
    /// The number of cells of a row.
    public let width: Int
    /// The names of the channels, such as `dog-2`, `edge-2`, `energy-2`, `coherence-2` for scale 2, and `density`.
    public let names: [String]
    /// The channels, `[row of cells][column of cells][channel]`.
    public let values: [Float]

    /// - Parameters:
    ///   - image: `[y][x]`, with any range of values.
    ///   - cell: the side of a cell in pixels; it divides height and width.
    ///   - scales: the σ of the finer Gaussian of each scale in pixels, ascending.
    /// - Throws: ``ImageError`` where the cell does not divide the image, or a scale is not the σ of a ``GaussianKernel``.
    /// - Complexity: linear in the pixels; 40 ms for 512 × 512.
    public init(_ image: Image<UInt8>, cell: Int = 8, scales: [Double] = [1, 2, 4, 8]) throws(ImageError) {
        guard cell > 0, image.height % cell == 0, image.width % cell == 0 else {
            throw ImageError(
                .invalidSize,
                "an image of \(image.height) × \(image.width) pixels is not made of cells of \(cell); "
                    + "give a side that divides both")
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
            // Rounding makes the channels of a constant image vary a little. They become 0.
            let scale = deviation > 1e-5 ? 1 / deviation : 0
            for (place, value) in means.enumerated() {
                values[place * channels.count + channel] = Float((Double(value) - mean) * scale)
            }
        }
        self.values = values
    }

    /// The logarithm of the trace and the coherence of the structure tensor ⟨∇I ∇Iᵀ⟩, averaged by the kernel `integration`.
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
            // 4 × 10⁻⁶ is about the square of half a grey level (0.5 / 255). Below it there is only rounding.
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
    /// The correlation with weights along x; the border is reflected.
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

    /// The correlation with weights along y; the border is reflected.
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
