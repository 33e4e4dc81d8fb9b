public import Basics

/// Chooses the sign of a map so that structures are bright. The sign of an eigenvector is arbitrary. Structures have high
/// density, so the map is negated if it correlates negatively with the density, which is the inverted intensity of a
/// tomogram.
public struct MapOrientation: Sendable {
    private let density: Image<Float>

    /// - Parameter density: the density `[y][x]`, bright where matter is. It has the size of the maps, or an integer multiple of
    ///   it; it is then averaged over cells.
    public init(density: Image<Float>) { self.density = density }

    /// The map, negated if its Pearson correlation with the density is below 0. Where map or density is constant, or a value is
    /// NaN, the correlation counts as 0 and the map is not changed.
    ///
    /// - Throws: ``ImageError`` where the size of the density is not an integer multiple of that of the map.
    /// - Complexity: one pass over the density and a few over the map.
    public func callAsFunction(_ map: Image<Float>) throws(ImageError) -> OrientedMap {
        let correlation = Self.correlation(of: map.values, and: try density.means(ofCellsOf: map))
        let isFlipped = correlation < 0
        return OrientedMap(map: isFlipped ? map.map { -$0 } : map, correlation: abs(correlation), isFlipped: isFlipped)
    }

    /// The Pearson correlation; 0 where it is not finite.
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

/// A map with the sign for which structures are bright.
public struct OrientedMap: Sendable {
    /// The map `[y][x]`, negated if ``isFlipped``.
    public let map: Image<Float>
    /// The Pearson correlation of ``map`` with the density, 0 … 1.
    public let correlation: Double
    /// Whether the map was negated.
    public let isFlipped: Bool
}

/// Scales maps to 0 … 1 by percentiles. With the least and the greatest value instead, a single outlier at the border of a
/// map would determine the scale.
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

    /// The map `[y][x]` scaled to 0 … 1 by its own percentiles.
    ///
    /// Where both percentiles are equal, values up to them become 0 and values above become 1; a constant map becomes 0. NaN
    /// becomes 0.
    ///
    /// - Complexity: n log n in the pixels, for the percentiles.
    public func callAsFunction(_ map: Image<Float>) -> Image<Float> {
        guard let ends = ends(of: [map]) else { return map.map { _ in 0 } }
        return Self.scale(map, from: ends)
    }

    /// The two percentiles of the pixels of several maps together; nil where none is finite. With them, one scale serves all of
    /// the maps.
    ///
    /// - Complexity: n log n in all pixels; memory is a sorted copy.
    public func ends(of maps: [Image<Float>]) -> ClosedRange<Float>? {
        // The percents were checked, so that this does not throw.
        let found = try? Image.percentiles([lowerPercent, upperPercent], of: maps.flatMap(\.values))
        guard let ends = found else { return nil }
        return ends[0]...max(ends[0], ends[1])
    }

    /// The map `[y][x]` in which the ends of a range become 0 and 1; values beyond it become these, too, and NaN becomes 0.
    ///
    /// - Complexity: one pass over the pixels.
    public static func scale(_ map: Image<Float>, from ends: ClosedRange<Float>) -> Image<Float> {
        let (low, high) = (Double(ends.lowerBound), Double(ends.upperBound))
        return map.map { value in
            guard Double(value) > low else { return 0 }
            guard Double(value) < high else { return 1 }
            return Float((Double(value) - low) / (high - low))
        }
    }
}
