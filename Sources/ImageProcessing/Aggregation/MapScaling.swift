public import Basics

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
