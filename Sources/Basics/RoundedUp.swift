extension Int {
    /// The least multiple of a positive step that is at least this number.
    ///
    /// - Precondition: this number is not negative.
    @inlinable
    public func rounded(upToMultipleOf step: Int) -> Int { (self + step - 1) / step * step }
}
