public import Basics

/// How alike two images are in their local means, variances and covariance: the SSIM index as scikit-image computes it
/// unless told otherwise, in float64.
///
/// ```
/// SSIM = (2 μa μb + C1) (2 σab + C2) / ((μa² + μb² + C1) (σa² + σb² + C2)),  C1 = (k1 L)²,  C2 = (k2 L)²
/// ```
///
/// over a square window with equal weights, sample (co)variances (divided by n − 1), averaged over all windows that lie
/// in the image wholly. 1 is the same image; where what is bright in one is dark in the other the index is below 0.
///
/// Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, *Image quality assessment: from error visibility to
/// structural similarity*, IEEE Transactions on Image Processing 13 (2004).
public struct StructuralSimilarity: Hashable, Sendable {
    /// L: from the least to the greatest value that pixels can have.
    public let dataRange: Double
    /// The side of the window in pixels.
    public let windowSize: Int
    public let k1: Double
    public let k2: Double

    /// - Throws: ``ImageError`` unless the data range is above 0, the window odd and in 3 … 255, and k1 and k2 above 0,
    ///   up to 1.
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

    /// The index of two images of one size; not a number where a pixel is none.
    ///
    /// - Throws: ``ImageError`` where the sizes differ, or are smaller than the window.
    /// - Complexity: ten additions of a pixel for each row of the window; memory is five times as many rows of float64
    ///   as the window has.
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

    /// The index of each window of a row.
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
