import Basics

/// The histogram of a volume: the non-empty bins in ascending order, with their numbers of voxels.
///
/// Each bin has a key. The meaning of a key depends on the type of the voxels:
///
/// | binning | voxels | key | exact |
/// |---|---|---|---|
/// | `integer` | 8 and 16 bit integers | the value | yes |
/// | `float16` | float16 | the 16 bits, ordered | yes |
/// | `float32` | all others, as float32 | the upper 20 bits, ordered (11 of mantissa) | to 2⁻¹¹ of the value, and 10⁻⁴¹ |
///
/// *Ordered* means: a positive number with the bits b has the key b, and a negative number with the bits b (without the
/// sign) has the key −1 − b. So keys ascend as values do.
public struct Histogram: Sendable, Hashable, Codable {
    /// The meaning of the keys: see the table above.
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

        /// Whether a key stands for finite numbers, not for NaN or infinity.
        func isFinite(_ key: Int32) -> Bool {
            switch self {
            case .integer: true
            case .float16: Self.magnitude(of: key) < UInt32(Float16.infinity.bitPattern)
            case .float32: Self.magnitude(of: key) < Float.infinity.bitPattern >> Histogram.droppedBits
            }
        }

        /// The bits of the key's number without the sign.
        static func magnitude(of key: Int32) -> UInt32 { UInt32(truncatingIfNeeded: key >= 0 ? key : -1 - key) }
    }

    public let binning: Binning
    /// The keys of the bins with at least one voxel, ascending.
    public let keys: [Int32]
    /// The number of voxels in each of these bins.
    public let counts: [Int]

    /// Restores a stored histogram. Returns nil unless the keys ascend and stand for finite numbers, all counts are positive,
    /// and their sum fits `Int`.
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

    /// A histogram of bins that are known to be valid and in order.
    init(binning: Binning, ascendingKeys keys: [Int32], counts: [Int]) {
        self.binning = binning
        self.keys = keys
        self.counts = counts
    }

    /// The number of voxels in all bins.
    public var total: Int { counts.reduce(0, +) }

    /// The smallest and the largest value in a bin; they are equal if bins are exact.
    ///
    /// A key of NaN or infinity, which no histogram has, gives 0...0.
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
            // Numbers below 6e-42 share a bin with zero. Nearly all voxels of this bin are zero, so the bin counts as zero.
            if magnitude == 0 { return 0...0 }
            let lower = Double(Float(bitPattern: magnitude << Self.droppedBits))
            let upper = Double(Float(bitPattern: (magnitude + 1) << Self.droppedBits - 1))
            return key >= 0 ? lower...upper : -upper ... -lower
        }
    }

    /// The percentile, as `numpy.percentile` defines it: linear interpolation between the two nearest order statistics. Nil
    /// where there are no voxels, or the percentage is NaN.
    ///
    /// The voxels of a bin that is not exact are assumed to be spread evenly over it. So the result differs from the exact
    /// percentile by less than one bin: 2⁻¹¹, or 0.05 %, of the value.
    ///
    /// - Parameter percentage: 0 to 100; values outside are clamped.
    /// - Complexity: linear in the number of bins.
    public func percentile(_ percentage: Double) -> Double? {
        let total = total
        guard total > 0, !percentage.isNaN else { return nil }
        let rank = Quantile.rank(ofPercentile: min(max(percentage, 0), 100), count: total)
        return Quantile.value(atRank: rank, count: total, value(ofVoxel:))
    }

    /// The voxel at an index of all voxels in ascending order of their values.
    private func value(ofVoxel index: Int) -> Double {
        var before = 0
        for (key, count) in zip(keys, counts) {
            if index < before + count {
                let bounds = bounds(ofKey: key)
                let position = (Double(index - before) + 0.5) / Double(count)
                return bounds.lowerBound + position * (bounds.upperBound - bounds.lowerBound)
            }
            before += count
        }
        preconditionFailure("a histogram of \(total) voxels has no voxel \(index)")
    }
}

extension Histogram {
    /// The number of low bits of a float32 that the keys of `float32` leave out.
    fileprivate static let droppedBits: UInt32 = 12
}

/// Counts voxels into the bins of a ``Histogram``, in a dense table: one increment for each voxel.
///
/// The table has 2²⁰ bins of eight bytes for float32 and 2¹⁶ for 16 bits. A volume uses a few thousand of them, which stay in
/// the cache.
struct VoxelCounter {
    private let scalarType: ScalarType
    private let binning: Histogram.Binning
    /// The key of the first bin of the table.
    private let firstKey: Int
    // Two tables, for even and odd voxels. With one table, each increment in a run of equal voxels would have to wait for the
    // store of the previous one.
    private var even: [Int]
    private var odd: [Int]

    init(_ scalarType: ScalarType) {
        self.scalarType = scalarType
        binning = Histogram.Binning(scalarType)
        let bits = scalarType.size == 1 ? 8 : scalarType.size == 2 ? 16 : 32 - Int(Histogram.droppedBits)
        let isSigned = scalarType != .uint8 && scalarType != .uint16
        firstKey = isSigned ? -(1 << (bits - 1)) : 0
        even = [Int](repeating: 0, count: 1 << bits)
        odd = even
    }

    /// Adds little-endian values of the scalar type.
    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        switch scalarType {
        case .uint8: count(bytes, as: UInt8.self) { Int($0) }
        case .int8: count(bytes, as: Int8.self) { Int($0) &+ 0x80 }
        case .uint16: count(bytes, as: UInt16.self) { Int($0) }
        case .int16: count(bytes, as: Int16.self) { Int($0) &+ 0x8000 }
        case .float16: count(bytes, as: Int16.self) { Int($0 ^ ($0 &>> 15 & 0x7fff)) &+ 0x8000 }
        case .float32: count(bytes, as: UInt32.self) { Self.bin(Float(bitPattern: $0)) }
        case .uint32: count(bytes, as: UInt32.self) { Self.bin(Float($0)) }
        case .int32: count(bytes, as: Int32.self) { Self.bin(Float($0)) }
        case .uint64: count(bytes, as: UInt64.self) { Self.bin(Float($0)) }
        case .int64: count(bytes, as: Int64.self) { Self.bin(Float($0)) }
        case .float64: count(bytes, as: Double.self) { Self.bin($0) }
        }
    }

    /// The bin of a float32. Bins ascend with the value.
    @inline(__always)
    private static func bin(_ value: Float) -> Int { Int(value.orderedBits &>> Histogram.droppedBits) }

    /// The bin of a float64. Finite numbers beyond the range of float32 count as its largest number, not as infinity.
    @inline(__always)
    private static func bin(_ value: Double) -> Int {
        let limit = Double(Float.greatestFiniteMagnitude)
        return bin(Float(value.isFinite ? min(max(value, -limit), limit) : value))
    }

    @inline(__always)
    private mutating func count<Value: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, as type: Value.Type, bin: (Value) -> Int
    ) {
        guard let base = bytes.baseAddress else { return }
        let size = MemoryLayout<Value>.size
        let count = bytes.count / size
        even.withUnsafeMutableBufferPointer { even in
            odd.withUnsafeMutableBufferPointer { odd in
                // `bin` returns a number with as many bits as the tables have, so no index is out of range.
                guard let even = even.baseAddress, let odd = odd.baseAddress else { return }
                for pair in 0..<count / 2 {
                    even[bin(base.loadUnaligned(fromByteOffset: 2 * pair * size, as: Value.self))] &+= 1
                    odd[bin(base.loadUnaligned(fromByteOffset: (2 * pair + 1) * size, as: Value.self))] &+= 1
                }
                if count & 1 == 1 {
                    even[bin(base.loadUnaligned(fromByteOffset: (count - 1) * size, as: Value.self))] &+= 1
                }
            }
        }
    }

    /// The histogram of the finite voxels, and the number of voxels that are NaN or infinite.
    func result() -> (histogram: Histogram, nonFiniteCount: Int) {
        var keys: [Int32] = []
        var counts: [Int] = []
        var nonFiniteCount = 0
        for index in even.indices where even[index] + odd[index] > 0 {
            let key = Int32(truncatingIfNeeded: index + firstKey)
            if binning.isFinite(key) {
                keys.append(key)
                counts.append(even[index] + odd[index])
            } else {
                nonFiniteCount += even[index] + odd[index]
            }
        }
        return (Histogram(binning: binning, ascendingKeys: keys, counts: counts), nonFiniteCount)
    }
}
