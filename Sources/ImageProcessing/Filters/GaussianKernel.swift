public import Basics
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

    /// The kernel of OpenCV's `getGaussianKernel`.
    ///
    /// - Parameters:
    ///   - size: the number of weights, odd, up to 511.
    ///   - sigma: the standard deviation in pixels; ``sigma(ofSize:)`` unless given, and then sizes up to 9 have the
    ///     binary fractions that OpenCV has for them.
    /// - Throws: ``ImageError`` where size or sigma are not of a kernel.
    public init(size: Int, sigma: Double? = nil) throws(ImageError) {
        guard (1...511).contains(size), size % 2 == 1 else {
            throw .parameter("the size of the Gaussian kernel", size, mustBe: "an odd number in 1 … 511")
        }
        if sigma == nil, let half = Self.smallKernels[size] {
            self.init(weights: (half.dropFirst().reversed() + half).map { $0 / 256 })
        } else {
            try self.init(sigma: sigma ?? Self.sigma(ofSize: size), radius: size / 2)
        }
    }

    private init(weights: [Float]) { self.weights = weights }

    /// OpenCV's standard deviation of a kernel of a given size: 0.3 ((size − 1) / 2 − 1) + 0.8.
    public static func sigma(ofSize size: Int) -> Double { 0.3 * ((Double(size) - 1) / 2 - 1) + 0.8 }

    /// From the middle to the end, in 256ths.
    private static let smallKernels: [Int: [Float]] = [
        1: [256], 3: [128, 64], 5: [96, 64, 16], 7: [72, 56, 28, 8], 9: [60, 51, 30, 13, 4],
    ]
}

extension Image<Float> {
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
