/// The straight line that makes bytes of densities: the lower end of a range becomes 0, the upper end 255; what lies outside is cut
/// off, and NaN is 0.
struct ByteScale: Sendable, Equatable {
    let range: ClosedRange<Float>
    private let factor: Float
    private let offset: Float

    /// - Parameter range: finite. All densities become 128 where its ends are equal.
    init(_ range: ClosedRange<Float>) {
        self.range = range
        let extent = Double(range.upperBound) - Double(range.lowerBound)
        (factor, offset) = extent > 0 ? (Float(255 / extent), 0) : (0, 128)
    }

    /// The nearest byte of each density.
    ///
    /// - Parameter bytes: the memory for as many bytes.
    /// - Complexity: one pass, without a branch for a density.
    func bytes(of densities: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableBufferPointer<UInt8>) {
        precondition(bytes.count == densities.count, "there is a byte for each density")
        let (low, factor, offset) = (range.lowerBound, factor, offset)
        for index in 0..<densities.count {
            let value = (densities[index] - low) * factor + offset
            // Comparisons with NaN are false.
            let limited = value > 0 ? (value < 255 ? value : 255) : 0
            // 2²³ has steps of 1: the sum is rounded, and its low bits are the whole number.
            bytes[index] = UInt8(truncatingIfNeeded: (limited + 8_388_608).bitPattern)
        }
    }
}
