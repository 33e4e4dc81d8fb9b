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
