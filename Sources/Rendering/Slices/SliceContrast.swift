import Basics

/// The values of a slice that become black and white; those between them are mapped linearly to grey 0 … 255.
public enum SliceContrast: Hashable, Sendable {
    /// The values at two percentiles of the slice, 0 … 100.
    case percentiles(low: Double, high: Double)
    /// Two given values.
    case range(low: Float, high: Float)

    /// The usual contrast in microscopy: half a percent of the pixels black, half a percent white.
    public static let standard = SliceContrast.percentiles(low: 0.5, high: 99.5)

    /// The grey values of a slice. NaN becomes black; a constant slice becomes middle grey (128).
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
                    .invalidParameter, "the contrast range \(low) … \(high) is none; give two finite numbers, the lower one first"
                )
            }
            return (low, high)
        case .percentiles(let low, let high):
            guard low >= 0, low < high, high <= 100 else {
                throw RenderingError(
                    .invalidParameter,
                    "the contrast percentiles \(low) … \(high) are none; give two from 0 to 100, the lower one first")
            }
            let order = OrderStatistics(values)
            return (order.percentile(low) ?? 0, order.percentile(high) ?? 0)
        }
    }
}

/// Exact percentiles of float32 values by counting instead of sorting (a radix selection over the upper, then the lower 16 bits).
///
/// NaN and infinities are left out. Building it and each percentile take one pass over the values.
struct OrderStatistics {
    private let values: [Float]
    /// The number of values for each upper half of their ordered bits.
    private var counts = [Int](repeating: 0, count: 1 << 16)
    private var total = 0

    init(_ values: [Float]) {
        self.values = values
        for value in values where value.isFinite {
            counts[Int(value.orderedBits >> 16)] += 1
            total += 1
        }
    }

    /// The value whose rank is nearest to a percentile 0 … 100, without interpolation; nil where there are no finite values.
    func percentile(_ percentile: Double) -> Float? {
        guard total > 0 else { return nil }
        var rank = Int(Quantile.rank(ofPercentile: min(max(percentile, 0), 100), count: total).rounded())
        let upper = Self.bin(of: &rank, in: counts)
        var lowerCounts = [Int](repeating: 0, count: 1 << 16)
        for value in values where value.isFinite && Int(value.orderedBits >> 16) == upper {
            lowerCounts[Int(value.orderedBits & 0xFFFF)] += 1
        }
        let lower = Self.bin(of: &rank, in: lowerCounts)
        return Float(orderedBits: UInt32(upper) << 16 | UInt32(lower))
    }

    /// The bin that holds the value of a rank. `rank` becomes the rank within that bin.
    private static func bin(of rank: inout Int, in counts: [Int]) -> Int {
        for (bin, count) in counts.enumerated() {
            if rank < count { return bin }
            rank -= count
        }
        return counts.count - 1
    }
}
