public import Basics

/// Gives maps the sign in which structures are bright. The sign of an eigenvector is arbitrary; structures are where
/// density is: the map must not correlate negatively with the density, which is the inverted intensity of a tomogram.
public struct MapOrientation: Sendable {
    private let density: Image<Float>

    /// - Parameter density: bright where matter is; of the size of the maps, or of a whole multiple of it, which is
    ///   then averaged over cells.
    public init(density: Image<Float>) { self.density = density }

    /// The map, negated if its Pearson correlation with the density is below zero. Where either is constant, or a value
    /// is no number, there is no correlation, 0, and the map stays as it is.
    ///
    /// - Throws: ``ImageError`` where the density has neither the map's size nor a whole multiple of it.
    public func callAsFunction(_ map: Image<Float>) throws(ImageError) -> OrientedMap {
        let cell = density.height / map.height
        guard cell >= 1, density.height == cell * map.height, density.width == cell * map.width else {
            throw ImageError(
                .invalidSize,
                "a density of \(density.width) × \(density.height) pixels does not divide into the "
                    + "\(map.width) × \(map.height) cells of the map; resize it")
        }
        let correlation = Self.correlation(of: map.values, and: density.means(ofCells: cell))
        let isFlipped = correlation < 0
        return OrientedMap(map: isFlipped ? map.map { -$0 } : map, correlation: abs(correlation), isFlipped: isFlipped)
    }

    private static func correlation(of a: [Float], and b: [Float]) -> Double {
        let meanA = a.reduce(0.0) { $0 + Double($1) } / Double(a.count)
        let meanB = b.reduce(0.0) { $0 + Double($1) } / Double(b.count)
        var (covariance, varianceA, varianceB) = (0.0, 0.0, 0.0)
        for (a, b) in zip(a, b) {
            let (a, b) = (Double(a) - meanA, Double(b) - meanB)
            covariance += a * b
            varianceA += a * a
            varianceB += b * b
        }
        let correlation = covariance / (varianceA * varianceB).squareRoot()
        return correlation.isFinite ? correlation : 0
    }
}

/// A map in the sign in which structures are bright.
public struct OrientedMap: Sendable {
    public let map: Image<Float>
    /// The Pearson correlation with the density, in this sign: 0 … 1.
    public let correlation: Double
    public let isFlipped: Bool
}

/// Brings maps of any range to 0 … 1, by percentiles: one outlier at the border of a map would decide alone over its
/// least and greatest value.
///
/// ```
/// scaled = clamp((value − p_lower) / (p_upper − p_lower), 0, 1)
/// ```
public struct MapScaling: Hashable, Sendable {
    /// The percentile that becomes 0.
    public let lowerPercent: Double
    /// The percentile that becomes 1.
    public let upperPercent: Double

    /// - Throws: ``ImageError`` unless 0 ≤ lower < upper ≤ 100.
    public init(lowerPercent: Double = 1, upperPercent: Double = 99) throws(ImageError) {
        guard (0...100).contains(lowerPercent), (0...100).contains(upperPercent), lowerPercent < upperPercent else {
            throw .parameter(
                "the pair of percentiles of the scaling", "\(lowerPercent), \(upperPercent)", mustBe: "ascending, in 0 … 100")
        }
        self.lowerPercent = lowerPercent
        self.upperPercent = upperPercent
    }

    /// The map `[y][x]` in 0 … 1.
    ///
    /// Where both percentiles are one value, that value and less become 0 and more becomes 1; so a constant map becomes
    /// 0. Values that are no number become 0.
    ///
    /// - Complexity: sorts the pixels.
    public func callAsFunction(_ map: Image<Float>) -> Image<Float> {
        // The percents were checked: this cannot throw.
        guard let ends = try? map.percentiles([lowerPercent, upperPercent]) else { return map.map { _ in 0 } }
        let (low, high) = (Double(ends[0]), Double(ends[1]))
        return map.map { value in
            guard Double(value) > low else { return 0 }
            guard Double(value) < high else { return 1 }
            return Float((Double(value) - low) / (high - low))
        }
    }
}
