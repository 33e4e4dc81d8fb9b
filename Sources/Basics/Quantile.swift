/// Percentiles as NumPy's `percentile` computes them by default: the percentile p of n sorted values is the value at the
/// rank p (n − 1) / 100, counted from 0, where a rank between two whole numbers is interpolated linearly between the two values
/// (type 7 of R. Hyndman, Y. Fan, *Sample quantiles in statistical packages*, The American Statistician 50 (1996)).
public enum Quantile {
    /// The rank p (n − 1) / 100 of a percentile, counted from 0.
    ///
    /// - Parameters:
    ///   - percent: p, in 0 … 100.
    ///   - count: n, at least 1.
    public static func rank(ofPercentile percent: Double, count: Int) -> Double { percent / 100 * Double(count - 1) }

    /// The value at a rank of sorted values, interpolated linearly between its two neighbours.
    ///
    /// - Parameters:
    ///   - rank: in 0 … n − 1; it may lie between two whole numbers.
    ///   - count: n, the number of values, at least 1.
    ///   - value: the value at an index in 0 ..< n, in ascending order.
    /// - Complexity: two calls of `value`.
    public static func value(atRank rank: Double, count: Int, _ value: (_ index: Int) -> Double) -> Double {
        precondition(count > 0, "no values have no quantile")
        let lower = min(Int(rank), count - 1)
        let (below, above) = (value(lower), value(min(lower + 1, count - 1)))
        return below + (above - below) * (rank - Double(lower))
    }

    /// The median: the middle one of the sorted values, or the mean of the two in the middle. nil without values.
    ///
    /// - Parameter values: finite numbers in any order.
    /// - Complexity: n log n; memory is a sorted copy.
    public static func median(of values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        return (sorted[sorted.count / 2] + sorted[(sorted.count - 1) / 2]) / 2
    }
}
