/// The values of a slice in order of size, by counting instead of sorting: exact, and linear in their number.
///
/// NaN and infinities are left out.
struct OrderStatistics {
    private let values: [Float]
    /// How many values share the upper half of their key, for each upper half.
    private var counts = [Int](repeating: 0, count: 1 << 16)
    private var total = 0

    init(_ values: [Float]) {
        self.values = values
        for value in values where value.isFinite {
            counts[Int(Self.key(value) >> 16)] += 1
            total += 1
        }
    }

    /// The value at a percentile 0 … 100, the nearest there is; nil where there are no values.
    func percentile(_ percentile: Double) -> Float? {
        guard total > 0 else { return nil }
        var rank = Int((min(max(percentile, 0), 100) / 100 * Double(total - 1)).rounded())
        let upper = Self.bin(of: &rank, in: counts)
        var lowerCounts = [Int](repeating: 0, count: 1 << 16)
        for value in values where value.isFinite && Int(Self.key(value) >> 16) == upper {
            lowerCounts[Int(Self.key(value) & 0xFFFF)] += 1
        }
        let lower = Self.bin(of: &rank, in: lowerCounts)
        return Self.value(UInt32(upper) << 16 | UInt32(lower))
    }

    /// The bin that holds the value of a rank; the rank becomes that within the bin.
    private static func bin(of rank: inout Int, in counts: [Int]) -> Int {
        for (bin, count) in counts.enumerated() {
            if rank < count { return bin }
            rank -= count
        }
        return counts.count - 1
    }

    /// A number that is ordered as the value is: the sign bit flipped, and all bits of negative values.
    private static func key(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        return bits >> 31 == 1 ? ~bits : bits | 1 << 31
    }

    private static func value(_ key: UInt32) -> Float {
        Float(bitPattern: key >> 31 == 1 ? key & ~(1 << 31) : ~key)
    }
}
