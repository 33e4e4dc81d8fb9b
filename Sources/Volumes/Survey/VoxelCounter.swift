/// Counts voxels into the bins of a ``Histogram``, in a dense table: one increment for each voxel.
///
/// The table is 2²⁰ bins of eight bytes for float32 and 2¹⁶ for 16 bits; the bins that a volume uses are few
/// thousand and stay in the cache.
struct VoxelCounter {
    private let scalarType: ScalarType
    private let binning: Histogram.Binning
    /// The key of the first bin of the table.
    private let firstKey: Int
    // Two tables, for even and odd voxels: a run of equal voxels would otherwise wait for its own stores.
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
        case .float32: count(bytes, as: Int32.self) { Self.bin($0) }
        case .uint32: count(bytes, as: UInt32.self) { Self.bin(Float($0)) }
        case .int32: count(bytes, as: Int32.self) { Self.bin(Float($0)) }
        case .uint64: count(bytes, as: UInt64.self) { Self.bin(Float($0)) }
        case .int64: count(bytes, as: Int64.self) { Self.bin(Float($0)) }
        case .float64: count(bytes, as: Double.self) { Self.bin($0) }
        }
    }

    /// The bin of a float32, given as its bits. The flip of a negative number's bits makes them ascend with its value.
    @inline(__always)
    private static func bin(_ bits: Int32) -> Int {
        Int((bits ^ (bits &>> 31 & 0x7fff_ffff)) &>> Int32(Histogram.droppedBits)) &+ 1 << (31 - Int(Histogram.droppedBits))
    }

    @inline(__always)
    private static func bin(_ value: Float) -> Int { bin(Int32(bitPattern: value.bitPattern)) }

    /// Finite numbers beyond the range of float32 count as the largest of it, not as infinity.
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
                // A bin is a number of as many bits as the tables have, whatever the voxel: it lies inside.
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

    /// The bins of finite values, and the number of voxels that are NaN or infinite.
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
