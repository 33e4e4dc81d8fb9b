public import Basics

/// The structural similarity index (SSIM) of two images, in float64, as scikit-image computes it by default.
///
/// ```
/// SSIM = (2 μa μb + C1) (2 σab + C2) / ((μa² + μb² + C1) (σa² + σb² + C2)),  C1 = (k1 L)²,  C2 = (k2 L)²
/// ```
///
/// μ, σ² and σab are the means, variances and covariance of a square window with equal weights (sample variances, divided by
/// n − 1), and the index is averaged over all windows that lie completely in the image. It is 1 for equal images, and below 0
/// where bright pixels of one image are dark in the other.
///
/// Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, *Image quality assessment: from error visibility to
/// structural similarity*, IEEE Transactions on Image Processing 13 (2004).
public struct StructuralSimilarity: Hashable, Sendable {
    /// L: the greatest minus the least value that pixels can have.
    public let dataRange: Double
    /// The side of the window in pixels.
    public let windowSize: Int
    /// The constant of C1, which stabilizes the quotient of the means.
    public let k1: Double
    /// The constant of C2, which stabilizes the quotient of the variances.
    public let k2: Double

    /// - Throws: ``ImageError`` unless the data range is above 0 and finite, the window odd and in 3 … 255, and k1 and k2 above
    ///   0 and at most 1.
    public init(dataRange: Double = 1, windowSize: Int = 7, k1: Double = 0.01, k2: Double = 0.03) throws(ImageError) {
        guard dataRange > 0, dataRange.isFinite else {
            throw .parameter("the data range of SSIM", dataRange, mustBe: "a finite number above 0")
        }
        guard (3...255).contains(windowSize), windowSize % 2 == 1 else {
            throw .parameter("the window of SSIM", windowSize, mustBe: "an odd number in 3 … 255")
        }
        for k in [k1, k2] where !(k > 0 && k <= 1) {
            throw .parameter("a constant k of SSIM", k, mustBe: "above 0, up to 1")
        }
        self.dataRange = dataRange
        self.windowSize = windowSize
        self.k1 = k1
        self.k2 = k2
    }

    /// The index of two images of the same size; NaN where a pixel is NaN.
    ///
    /// - Throws: ``ImageError`` where the sizes differ, or are smaller than the window.
    /// - Complexity: about `10 * windowSize` additions for each pixel. Memory is `5 * windowSize` rows of float64.
    public func callAsFunction(_ a: Image<Float>, _ b: Image<Float>) throws(ImageError) -> Double {
        try a.requireSize(of: b)
        guard a.height >= windowSize, a.width >= windowSize else {
            throw ImageError(
                .invalidSize,
                "an image of \(a.width) × \(a.height) pixels is smaller than the window of SSIM, \(windowSize); "
                    + "choose a smaller window"
            )
        }
        var moments = WindowMoments(width: a.width, windowSize: windowSize)
        var indices = [Double](repeating: 0, count: moments.windowCount)
        var total = 0.0
        for y in 0..<a.height {
            moments.add(a, b, row: y)
            if y >= windowSize - 1 {
                fill(&indices, from: moments.sums())
                total += indices.reduce(0, +)
            }
        }
        return total / Double((a.height - windowSize + 1) * indices.count)
    }

    /// Computes the index of each window of a row from the sums over the windows.
    private func fill(_ indices: inout [Double], from sums: [Double]) {
        let pixels = Double(windowSize * windowSize)
        let (mean, sample) = (1 / pixels, pixels / (pixels - 1))
        let (c1, c2) = ((k1 * dataRange) * (k1 * dataRange), (k2 * dataRange) * (k2 * dataRange))
        let count = indices.count
        sums.withUnsafeBufferPointer { sums in
            indices.withUnsafeMutableBufferPointer { indices in
                for x in 0..<count {
                    let (a, b) = (sums[x] * mean, sums[count &+ x] * mean)
                    let varianceA = sample * (sums[2 &* count &+ x] * mean - a * a)
                    let varianceB = sample * (sums[3 &* count &+ x] * mean - b * b)
                    let covariance = sample * (sums[4 &* count &+ x] * mean - a * b)
                    indices[x] =
                        (2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (varianceA + varianceB + c2))
                }
            }
        }
    }
}

/// The sums of a, b, a², b² and a b over each window of a row of windows, for two images read row by row.
///
/// Every window is summed from its pixels. Running sums, which add the new pixels and subtract the old ones, would
/// accumulate rounding errors that matter where an image is flat.
private struct WindowMoments {
    /// The number of windows in a row.
    let windowCount: Int

    private let width: Int
    private let windowSize: Int
    /// A row of pixels of each quantity, `[quantity][x]`.
    private var row: [Double]
    /// For each of the last `windowSize` rows the sums along x, `[quantity][window]`.
    private var lines: [[Double]]

    private static let quantityCount = 5

    init(width: Int, windowSize: Int) {
        self.width = width
        self.windowSize = windowSize
        windowCount = width - windowSize + 1
        row = Array(repeating: 0, count: Self.quantityCount * width)
        lines = Array(repeating: Array(repeating: 0, count: Self.quantityCount * windowCount), count: windowSize)
    }

    /// Adds the next row of both images. Rows are added from the first to the last.
    mutating func add(_ a: Image<Float>, _ b: Image<Float>, row y: Int) {
        let width = width
        row.withUnsafeMutableBufferPointer { row in
            a.values.withUnsafeBufferPointer { a in
                b.values.withUnsafeBufferPointer { b in
                    let first = y * width
                    for x in 0..<width {
                        let (a, b) = (Double(a[first &+ x]), Double(b[first &+ x]))
                        row[x] = a
                        row[width &+ x] = b
                        row[2 &* width &+ x] = a * a
                        row[3 &* width &+ x] = b * b
                        row[4 &* width &+ x] = a * b
                    }
                }
            }
        }
        let windowCount = windowCount
        row.withUnsafeBufferPointer { row in
            lines[y % windowSize].withUnsafeMutableBufferPointer { line in
                for quantity in 0..<Self.quantityCount {
                    let (source, target) = (quantity * width, quantity * windowCount)
                    for x in 0..<windowCount { line[target &+ x] = row[source &+ x] }
                    for offset in 1..<windowSize {
                        for x in 0..<windowCount { line[target &+ x] += row[source &+ offset &+ x] }
                    }
                }
            }
        }
    }

    /// The sums over the windows whose lowest row was added last, `[quantity][window]`: a, b, a², b², a b.
    func sums() -> [Double] {
        var sums = lines[0]
        sums.withUnsafeMutableBufferPointer { sums in
            for line in lines.dropFirst() {
                line.withUnsafeBufferPointer { line in
                    for index in sums.indices { sums[index] += line[index] }
                }
            }
        }
        return sums
    }
}
