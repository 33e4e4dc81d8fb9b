/// How many voxels of a volume have which value: the bins that are not empty, in ascending order.
///
/// A bin is named by a key. What a key stands for depends on the type of the voxels:
///
/// | binning | voxels | key | exact |
/// |---|---|---|---|
/// | `integer` | 8 and 16 bit integers | the value | yes |
/// | `float16` | float16 | the 16 bits, ordered | yes |
/// | `float32` | all others, as float32 | the upper 20 bits, ordered (11 of mantissa) | to 2⁻¹¹ of the value, and 10⁻⁴¹ |
///
/// *Ordered* means that bits b of a positive number are the key b, and those of a negative one, without their sign,
/// the key −1 − b: keys then ascend as values do.
public struct Histogram: Sendable, Hashable, Codable {
    public enum Binning: String, Sendable, Hashable, Codable, CaseIterable {
        case integer, float16, float32

        init(_ scalarType: ScalarType) {
            self =
                switch scalarType {
                case .uint8, .int8, .uint16, .int16: .integer
                case .float16: .float16
                default: .float32
                }
        }

        /// Whether a key stands for a number, and not for NaN or infinity.
        func isFinite(_ key: Int32) -> Bool {
            switch self {
            case .integer: true
            case .float16: Self.magnitude(of: key) < UInt32(Float16.infinity.bitPattern)
            case .float32: Self.magnitude(of: key) < Float.infinity.bitPattern >> Histogram.droppedBits
            }
        }

        /// The bits without their sign.
        static func magnitude(of key: Int32) -> UInt32 { UInt32(truncatingIfNeeded: key >= 0 ? key : -1 - key) }
    }

    public let binning: Binning
    /// The bins that hold at least one voxel, ascending.
    public let keys: [Int32]
    /// The number of voxels in each.
    public let counts: [Int]

    /// A histogram that was stored. Returns nil unless keys ascend and stand for numbers, and each has a positive count.
    public init?(binning: Binning, keys: [Int32], counts: [Int]) {
        guard keys.count == counts.count, keys.allSatisfy(binning.isFinite), zip(keys, keys.dropFirst()).allSatisfy({ $0 < $1 })
        else { return nil }
        var total = 0
        for count in counts {
            let (sum, overflows) = total.addingReportingOverflow(count)
            guard count > 0, !overflows else { return nil }
            total = sum
        }
        self.init(binning: binning, ascendingKeys: keys, counts: counts)
    }

    /// A histogram of bins that are in order already.
    init(binning: Binning, ascendingKeys keys: [Int32], counts: [Int]) {
        self.binning = binning
        self.keys = keys
        self.counts = counts
    }

    /// The number of voxels in all bins.
    public var total: Int { counts.reduce(0, +) }

    /// The smallest and the largest value that a bin stands for; the same where bins are exact.
    ///
    /// A key that stands for no number, of which a histogram has none, gives zero.
    public func bounds(ofKey key: Int32) -> ClosedRange<Double> {
        guard binning.isFinite(key) else { return 0...0 }
        let magnitude = Binning.magnitude(of: key)
        switch binning {
        case .integer:
            return Double(key)...Double(key)
        case .float16:
            let value = Double(Float16(bitPattern: UInt16(truncatingIfNeeded: magnitude)))
            return key >= 0 ? value...value : -value ... -value
        case .float32:
            // Numbers below 6e-42 share a bin with zero, which is what nearly all of them are.
            if magnitude == 0 { return 0...0 }
            let lower = Double(Float(bitPattern: magnitude << Self.droppedBits))
            let upper = Double(Float(bitPattern: (magnitude + 1) << Self.droppedBits - 1))
            return key >= 0 ? lower...upper : -upper ... -lower
        }
    }

    /// The value below which `percentage` percent of the voxels lie, as `numpy.percentile` defines it: between the
    /// two nearest order statistics, linearly. Nil where there are no voxels, or the percentage is not a number.
    ///
    /// Voxels of a bin that is not exact are taken to be spread evenly over it, so the result differs from that of
    /// the sorted voxels by less than one bin: 2⁻¹¹, or 0.05 %, of the value.
    ///
    /// - Parameter percentage: 0 to 100; what lies outside is taken for the nearer end.
    /// - Complexity: linear in the number of bins.
    public func percentile(_ percentage: Double) -> Double? {
        let total = total
        guard total > 0, !percentage.isNaN else { return nil }
        let rank = min(max(percentage, 0), 100) / 100 * Double(total - 1)
        let lower = min(Int(rank), total - 1)
        let upper = min(lower + 1, total - 1)
        var before = 0
        var lowerValue: Double?
        for (key, count) in zip(keys, counts) {
            func value(at rank: Int) -> Double {
                let bounds = bounds(ofKey: key)
                let position = (Double(rank - before) + 0.5) / Double(count)
                return bounds.lowerBound + position * (bounds.upperBound - bounds.lowerBound)
            }
            if lowerValue == nil && lower < before + count { lowerValue = value(at: lower) }
            if let lowerValue, upper < before + count {
                return lowerValue + (rank - Double(lower)) * (value(at: upper) - lowerValue)
            }
            before += count
        }
        return lowerValue
    }
}

extension Histogram {
    /// The bits of a float32 that bins of `float32` do not tell apart.
    static let droppedBits: UInt32 = 12
}
