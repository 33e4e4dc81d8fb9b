import Basics

/// Which values of a slice become black and which become white.
public enum SliceContrast: Hashable, Sendable {
    /// The values at two percentiles of the slice, 0 … 100.
    case percentiles(low: Double, high: Double)
    /// Two values.
    case range(low: Float, high: Float)

    /// What microscopists are used to: half a percent of the pixels black, half a percent white.
    public static let standard = SliceContrast.percentiles(low: 0.5, high: 99.5)

    /// The grey values of a slice. NaN becomes black; all of a constant slice becomes middle grey.
    ///
    /// - Throws: ``RenderingError`` where the percentiles or the range are out of order.
    func grey(_ values: [Float]) throws(RenderingError) -> [UInt8] {
        let (low, high) = try range(of: values)
        guard high > low else { return values.map { $0.isNaN ? 0 : 128 } }
        let extent = Double(high) - Double(low)
        return values.map { value in
            let grey = (Double(value) - Double(low)) * 255 / extent
            return grey > 0 ? UInt8(min(grey, 255).rounded()) : 0
        }
    }

    private func range(of values: [Float]) throws(RenderingError) -> (low: Float, high: Float) {
        switch self {
        case .range(let low, let high):
            guard low.isFinite, high.isFinite, low < high else {
                throw RenderingError(
                    .invalidParameter, "the contrast range \(low) … \(high) must be two numbers, the lower one first")
            }
            return (low, high)
        case .percentiles(let low, let high):
            guard low >= 0, low < high, high <= 100 else {
                throw RenderingError(
                    .invalidParameter, "the contrast percentiles \(low) … \(high) must lie in 0 … 100, the lower one first")
            }
            let order = OrderStatistics(values)
            return (order.percentile(low) ?? 0, order.percentile(high) ?? 0)
        }
    }
}
