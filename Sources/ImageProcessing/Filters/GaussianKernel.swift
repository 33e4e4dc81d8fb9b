import Foundation

/// The weights of a Gaussian filter along one axis; their sum is 1.
public struct GaussianKernel: Sendable, Hashable {
    /// From the left end to the right; an odd number.
    public let weights: [Float]

    /// How many weights lie on either side of the middle.
    public var radius: Int { weights.count / 2 }

    /// - Parameters:
    ///   - sigma: the standard deviation in pixels, above 0.
    ///   - radius: where the kernel is cut off; 4 σ unless given, as SciPy does.
    /// - Throws: ``ImageError`` where sigma or radius are not of a kernel.
    public init(sigma: Double, radius: Int? = nil) throws(ImageError) {
        guard sigma > 0, sigma <= 1000 else { throw .parameter("σ", sigma, mustBe: "above 0, up to 1000 pixels") }
        guard radius.map({ (0...8000).contains($0) }) ?? true else {
            throw .parameter("the radius", radius ?? 0, mustBe: "0 to 8000 pixels")
        }
        let radius = radius ?? Int((4 * sigma).rounded())
        let values = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
        let sum = values.reduce(0, +)
        weights = values.map { Float($0 / sum) }
    }
}

extension Image<Float> {
    /// Blurred along both axes. Beyond the border the image goes on as in a mirror that stands on the middle of the outermost
    /// pixels (OpenCV's reflect-101).
    ///
    /// - Complexity: two multiplications of a pixel for each weight.
    public func blurred(by kernel: GaussianKernel) -> Image<Float> {
        filtered(rows: kernel.weights).filtered(columns: kernel.weights)
    }

    /// The index inside that an index outside stands for.
    static func mirrored(_ index: Int, _ count: Int) -> Int {
        guard count > 1 else { return 0 }
        let period = 2 * (count - 1)
        let place = ((index % period) + period) % period
        return place < count ? place : period - place
    }

    /// Correlated with weights along x.
    func filtered(rows weights: [Float]) -> Image<Float> {
        let radius = weights.count / 2
        let places = (-radius..<width + radius).map { Self.mirrored($0, width) }
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
    func filtered(columns weights: [Float]) -> Image<Float> {
        let radius = weights.count / 2
        return Image(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                for y in 0..<height {
                    let row = UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width])
                    row.initialize(repeating: 0)
                    for (offset, weight) in weights.enumerated() {
                        let source = Self.mirrored(y + offset - radius, height) * width
                        for x in 0..<width { row[x] += weight * values[source &+ x] }
                    }
                }
            }
        }
    }
}
