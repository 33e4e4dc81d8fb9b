public import Basics
import Foundation

/// The weights of a one-dimensional Gaussian filter, proportional to exp(−x² / 2σ²). Their sum is 1.
public struct GaussianKernel: Sendable, Hashable {
    /// The weights at −radius … radius; their number is odd.
    public let weights: [Float]

    /// The number of weights on either side of the middle, in pixels.
    public var radius: Int { weights.count / 2 }

    /// - Parameters:
    ///   - sigma: the standard deviation in pixels, above 0.
    ///   - radius: where the kernel is cut off, in pixels; by default 4 σ rounded, as in SciPy.
    /// - Throws: ``ImageError`` unless σ is above 0 and at most 1000, and the radius in 0 … 8000.
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
    ///   - size: the number of weights, odd, at most 511.
    ///   - sigma: the standard deviation in pixels. By default it is ``sigma(ofSize:)``; sizes up to 9 then have the fixed
    ///     weights, multiples of 1/256, that OpenCV uses for them.
    /// - Throws: ``ImageError`` unless the size is odd and in 1 … 511, and σ above 0 and at most 1000.
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

    /// OpenCV's default standard deviation for a kernel of `size` weights, in pixels: 0.3 ((size − 1) / 2 − 1) + 0.8.
    public static func sigma(ofSize size: Int) -> Double { 0.3 * ((Double(size) - 1) / 2 - 1) + 0.8 }

    /// OpenCV's fixed weights of small kernels, from the middle to the end, times 256.
    private static let smallKernels: [Int: [Float]] = [
        1: [256], 3: [128, 64], 5: [96, 64, 16], 7: [72, 56, 28, 8], 9: [60, 51, 30, 13, 4],
    ]
}

extension Image<Float> {
    /// The image convolved with a Gaussian along both axes. It equals OpenCV's `sepFilter2D` and `GaussianBlur` up to the
    /// rounding of float32.
    ///
    /// - Complexity: one multiplication and two additions for each pixel and weight. Memory is the result and one row for each
    ///   weight.
    public func blurred(by kernel: GaussianKernel, border: BorderRule = .reflect101) -> Image<Float> {
        let filter = SymmetricFilter(kernel, border: border)
        return Image(sizeOf: self) { result in
            values.withUnsafeBufferPointer { values in
                filter(height: height, width: width) { y, row in
                    _ = row.update(fromContentsOf: UnsafeBufferPointer(rebasing: values[y * width..<(y + 1) * width]))
                } emit: { y, row in
                    _ = UnsafeMutableBufferPointer(rebasing: result[y * width..<(y + 1) * width]).update(fromContentsOf: row)
                }
            }
        }
    }
}

/// How a filter extends an image beyond its border.
public enum BorderRule: String, Codable, CaseIterable, Hashable, Sendable {
    /// Reflection that does not repeat the outermost pixel: `dcb|abcd|cba`. OpenCV's `BORDER_REFLECT_101`.
    case reflect101
    /// Repetition of the outermost pixel: `aaa|abcd|ddd`. OpenCV's `BORDER_REPLICATE`.
    case replicate

    /// The index in `0..<count` whose pixel stands at any index.
    func inside(_ index: Int, _ count: Int) -> Int {
        switch self {
        case .reflect101: Self.mirrored(index, count)
        case .replicate: min(max(index, 0), count - 1)
        }
    }

    private static func mirrored(_ index: Int, _ count: Int) -> Int {
        guard count > 1 else { return 0 }
        let period = 2 * (count - 1)
        let place = ((index % period) + period) % period
        return place < count ? place : period - place
    }
}

/// A separable filter with the same symmetric weights along both axes, in float32.
///
/// It works row by row. Each row of the image is filtered along x once, into one line of a ring with one line for each
/// weight; each row of the result is the weighted sum of these lines. No intermediate image is stored.
struct SymmetricFilter {
    /// The weight at 0, then those at 1, 2, …, which also apply at −1, −2, ….
    private let weights: [Float]
    private let border: BorderRule

    init(_ kernel: GaussianKernel, border: BorderRule) {
        weights = Array(kernel.weights[kernel.radius...])
        self.border = border
    }

    /// Filters an image of `height` rows of `width` pixels, from the first row to the last.
    ///
    /// - Parameters:
    ///   - load: writes row `y` of the image into the buffer, every pixel.
    ///   - emit: receives row `y` of the result.
    func callAsFunction(
        height: Int, width: Int,
        load: (_ y: Int, UnsafeMutableBufferPointer<Float>) -> Void,
        emit: (_ y: Int, UnsafeBufferPointer<Float>) -> Void
    ) {
        let radius = weights.count - 1
        let lineCount = min(2 * radius + 1, height)
        // Pixels are computed in whole vectors, so that lines are a little longer than rows.
        // One more vector keeps their distance from being a power of two, at which lines share a few places of the cache.
        let stride = width.rounded(upToMultipleOf: Self.lanes) + Self.lanes
        let places = (-radius..<width + radius).map { border.inside($0, width) + radius }
        var padded = [Float](repeating: 0, count: stride + 2 * radius)
        var lines = [Float](repeating: 0, count: lineCount * stride)
        var result = [Float](repeating: 0, count: stride)
        padded.withUnsafeMutableBufferPointer { padded in
            lines.withUnsafeMutableBufferPointer { lines in
                result.withUnsafeMutableBufferPointer { result in
                    var nextRow = 0
                    for y in 0..<height {
                        while nextRow <= min(y + radius, height - 1) {
                            load(nextRow, UnsafeMutableBufferPointer(rebasing: padded[radius..<radius + width]))
                            for index in 0..<radius {
                                padded[index] = padded[places[index]]
                                padded[radius + width + index] = padded[places[radius + width + index]]
                            }
                            let first = nextRow % lineCount * stride
                            sum(
                                UnsafeBufferPointer(padded), middle: radius, before: { radius - $0 }, after: { radius + $0 },
                                into: UnsafeMutableBufferPointer(rebasing: lines[first..<first + stride]))
                            nextRow += 1
                        }
                        func line(_ row: Int) -> Int { border.inside(row, height) % lineCount * stride }
                        sum(
                            UnsafeBufferPointer(lines), middle: line(y), before: { line(y - $0) }, after: { line(y + $0) },
                            into: result)
                        emit(y, UnsafeBufferPointer(rebasing: result[..<width]))
                    }
                }
            }
        }
    }

    static let lanes = 16

    /// Writes Σ weight · segment to `result`. Segments of `source` are as long as the result; that of weight 0 begins at
    /// `middle`, those of weight i at `before(i)` and `after(i)`.
    @inline(__always)
    func sum(
        _ source: UnsafeBufferPointer<Float>, middle: Int, before: (Int) -> Int, after: (Int) -> Int,
        into result: UnsafeMutableBufferPointer<Float>
    ) {
        let source = UnsafeRawBufferPointer(source)
        let result = UnsafeMutableRawBufferPointer(result)
        let size = MemoryLayout<Float>.stride
        weights.withUnsafeBufferPointer { weights in
            withUnsafeTemporaryAllocation(of: (Int, Int).self, capacity: weights.count) { sides in
                for index in weights.indices { sides[index] = (before(index) * size, after(index) * size) }
                for place in Swift.stride(from: 0, to: result.count, by: Self.lanes * size) {
                    var total = source.loadUnaligned(fromByteOffset: middle * size + place, as: SIMD16<Float>.self) * weights[0]
                    for index in 1..<max(weights.count, 1) {
                        let left = source.loadUnaligned(fromByteOffset: sides[index].0 + place, as: SIMD16<Float>.self)
                        let right = source.loadUnaligned(fromByteOffset: sides[index].1 + place, as: SIMD16<Float>.self)
                        total += (left + right) * weights[index]
                    }
                    result.storeBytes(of: total, toByteOffset: place, as: SIMD16<Float>.self)
                }
            }
        }
    }
}
