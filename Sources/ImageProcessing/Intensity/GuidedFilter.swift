public import Basics

/// Smooths an image along the structures of another one, the guide: the guided filter (K. He, J. Sun, X. Tang, *Guided image
/// filtering*, IEEE TPAMI 35, 2013).
///
/// In each window k of (2 r + 1)² pixels the result is a straight line of the guide I, and the line is the one that fits the
/// image p best, with a penalty ε on its slope. A pixel takes the mean of the lines of all windows that hold it:
///
/// ```
/// a_k = cov_k(I, p) / (var_k(I) + ε)      b_k = mean_k(p) − a_k · mean_k(I)
/// result = mean(a) · I + mean(b)
/// ```
///
/// Where the guide varies by less than √ε, this is a mean of the image; where it varies by more, its edges are kept, and edges of
/// the image that the guide does not have are smoothed away. Windows are cut off at the border.
///
/// It turns a map of few tokens, enlarged bilinearly, into one whose edges lie where those of the slice do.
public struct GuidedFilter: Hashable, Sendable {
    /// r: the pixels on either side of the middle of a window.
    public let radius: Int
    /// ε: the variance of the guide in a window up to which the guide is taken for flat, in squares of its unit.
    public let epsilon: Double

    /// The radii that a filter may have.
    public static let radii = 1...8192

    /// - Throws: ``ImageError`` unless the radius is in ``radii`` and ε in 10⁻⁹ … 10⁹.
    public init(radius: Int, epsilon: Double) throws(ImageError) {
        guard Self.radii.contains(radius) else {
            throw .parameter("the radius of the guided filter", radius, mustBe: "1 to \(Self.radii.upperBound) pixels")
        }
        guard (1e-9...1e9).contains(epsilon) else { throw .parameter("ε of the guided filter", epsilon, mustBe: "in 10⁻⁹ … 10⁹") }
        (self.radius, self.epsilon) = (radius, epsilon)
    }

    /// The filtered image `[y][x]`.
    ///
    /// Pixels must be finite: one that is not makes others of its rows and columns NaN. Sums are float64; ε should be above 10⁻¹²
    /// times the square of the greatest value of the guide.
    ///
    /// - Throws: ``ImageError`` where image and guide differ in size.
    /// - Complexity: some 40 additions and multiplications for each pixel, whatever the radius. Memory is the result and two
    ///   images of float64.
    public func callAsFunction(_ image: Image<Float>, guide: Image<Float>) throws(ImageError) -> Image<Float> {
        try image.requireSize(of: guide)
        let (height, width) = (image.height, image.width)
        var slopes = [Double](repeating: 0, count: height * width)
        var levels = slopes
        let windows = SquareWindows(height: height, width: width, radius: radius)
        windows.forEachMean { place in
            let (i, p) = (Double(guide.values[place]), Double(image.values[place]))
            return SIMD4(i, p, i * i, i * p)
        } body: { place, mean in
            let variance = max(mean[2] - mean[0] * mean[0], 0)
            let slope = (mean[3] - mean[0] * mean[1]) / (variance + epsilon)
            slopes[place] = slope
            levels[place] = mean[1] - slope * mean[0]
        }
        return Image(uncheckedHeight: height, width: width) { result in
            windows.forEachMean { place in
                SIMD4(slopes[place], levels[place], 0, 0)
            } body: { place, mean in
                result[place] = Float(mean[0] * Double(guide.values[place]) + mean[1])
            }
        }
    }
}

/// The windows around the pixels of an image, cut off at its border, and the means over them by running sums.
private struct SquareWindows {
    let height: Int
    let width: Int
    /// The pixels on either side of the middle.
    let radius: Int

    /// Calls `body` with each pixel, row after row, and the means of four quantities over its window.
    ///
    /// - Parameters:
    ///   - quantities: the quantities of a pixel, by its place `y * width + x`. Called twice for each pixel.
    func forEachMean(
        _ quantities: (_ place: Int) -> SIMD4<Double>, body: (_ place: Int, _ mean: SIMD4<Double>) -> Void
    ) {
        // The sum of each column over the rows of the window.
        var columns = [SIMD4<Double>](repeating: .zero, count: width)
        func add(_ y: Int) { for x in 0..<width { columns[x] += quantities(y * width + x) } }
        for y in 0..<min(radius, height) { add(y) }
        for y in 0..<height {
            if y + radius < height { add(y + radius) }
            if y > radius { for x in 0..<width { columns[x] -= quantities((y - radius - 1) * width + x) } }
            let rows = min(y + radius, height - 1) - max(y - radius, 0) + 1
            var sum = columns.prefix(radius).reduce(.zero, +)
            for x in 0..<width {
                if x + radius < width { sum += columns[x + radius] }
                if x > radius { sum -= columns[x - radius - 1] }
                let pixels = rows * (min(x + radius, width - 1) - max(x - radius, 0) + 1)
                body(y * width + x, sum / Double(pixels))
            }
        }
    }
}
