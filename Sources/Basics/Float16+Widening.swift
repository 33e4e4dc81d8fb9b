import CKernels

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
