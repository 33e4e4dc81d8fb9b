import CKernels

extension Int {
    /// The least multiple of a positive step that is at least this number.
    ///
    /// - Precondition: this number is not negative.
    @inlinable
    public func rounded(upToMultipleOf step: Int) -> Int { (self + step - 1) / step * step }
}

extension Range<Int> {
    /// The numbers of this range from `lower` to `upper`, both included: the voxels of a line whose centres lie in an interval.
    /// nil where there are none.
    ///
    /// - Precondition: neither end is NaN.
    @inlinable
    public func part(from lower: Double, through upper: Double) -> Range<Int>? {
        let first = Swift.max(Double(lowerBound), lower.rounded(.up))
        let last = Swift.min(Double(upperBound - 1), upper.rounded(.down))
        return first <= last ? Int(first)..<Int(last) + 1 : nil
    }
}

extension Float {
    /// An integer in the order of the values: a ≤ b gives the same for their ordered bits. It is the bit pattern, with the sign
    /// bit flipped for positive numbers and all bits flipped for negative ones.
    ///
    /// −0 comes right before 0. NaN comes after +∞, or before −∞ where its sign bit is set.
    @inlinable @inline(__always)
    public var orderedBits: UInt32 {
        // The shift fills a word with the sign bit.
        bitPattern ^ (UInt32(bitPattern: Int32(bitPattern: bitPattern) &>> 31) | 0x8000_0000)
    }

    /// The number with these ``orderedBits``.
    @inlinable @inline(__always)
    public init(orderedBits bits: UInt32) {
        self.init(bitPattern: bits & 0x8000_0000 == 0 ? ~bits : bits ^ 0x8000_0000)
    }
}

extension Float16 {
    /// Widens float16 values to float32, exactly; NaN keep their bits.
    ///
    /// Swift compiles for processors without the conversion instruction, for which `Float(_:)` calls a function for each value;
    /// that takes ten times as long as this loop.
    ///
    /// - Parameters:
    ///   - halves: the bit patterns.
    ///   - floats: as many values.
    package static func widen(_ halves: UnsafeBufferPointer<UInt16>, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(halves.count == floats.count, "\(halves.count) values do not fill \(floats.count)")
        guard let from = halves.baseAddress, let to = floats.baseAddress else { return }
        ck_half_to_float(from, to, halves.count)
    }
}

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
