/// Minimum, maximum, mean and standard deviation of a stream of voxels, in constant memory.
///
/// Sums are float64, over blocks of a few thousand voxels. The squares of a block are those of the differences from a value
/// near its mean, and blocks are combined by the formula of Chan, Golub and LeVeque (*Updating formulae and a pairwise
/// algorithm for computing sample variances*, 1979). So billions of voxels far from zero lose no digits.
/// NaN and infinity are counted, but left out of the sums.
struct VoxelMoments: Sendable {
    private(set) var count = 0
    private(set) var nonFiniteCount = 0
    private(set) var minimum = Double.infinity
    private(set) var maximum = -Double.infinity
    private(set) var mean = 0.0
    private var squares = 0.0

    /// The standard deviation of the population: the sum of squares is divided by the count.
    var standardDeviation: Double { count > 0 ? (squares / Double(count)).squareRoot() : 0 }

    /// Adds a block of finite values, given by its count, minimum, maximum, mean and sum of squared differences from the mean.
    private mutating func combine(
        count added: Int, minimum: Double, maximum: Double, mean addedMean: Double, squares addedSquares: Double
    ) {
        guard added > 0 else { return }
        let share = Double(added) / Double(count + added)
        let difference = addedMean - mean
        if count == 0 {
            (mean, squares) = (addedMean, addedSquares)
        } else if difference.isFinite {
            squares += addedSquares + difference * difference * Double(count) * share
            mean += difference * share
        } else {
            // The means are at both ends of float64: their difference, and so the deviation, is beyond its range.
            squares = .infinity
            mean = mean * (1 - share) + addedMean * share
        }
        count += added
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)
    }

    private mutating func countNonFinite(_ added: Int) { nonFiniteCount += added }
}

extension VoxelMoments {
    /// The most voxels of a block: two passes are made over a block, so it must fit the first-level cache.
    private static let blockLimit = 4096

    /// Adds all voxels of a buffer.
    mutating func add(_ buffer: VoxelBuffer) {
        buffer.bytes.withUnsafeBytes { add($0, of: buffer.scalarType) }
    }

    /// Adds little-endian values of a scalar type.
    mutating func add(_ bytes: UnsafeRawBufferPointer, of scalarType: ScalarType) {
        switch scalarType {
        case .uint8: addConverted(bytes, from: UInt8.self) { Double($0) }
        case .int8: addConverted(bytes, from: Int8.self) { Double($0) }
        case .uint16: addConverted(bytes, from: UInt16.self) { Double($0) }
        case .int16: addConverted(bytes, from: Int16.self) { Double($0) }
        case .uint32: addConverted(bytes, from: UInt32.self) { Double($0) }
        case .int32: addConverted(bytes, from: Int32.self) { Double($0) }
        case .uint64: addConverted(bytes, from: UInt64.self) { Double($0) }
        case .int64: addConverted(bytes, from: Int64.self) { Double($0) }
        case .float16: addConverted(bytes, from: Float16.self) { Double($0) }
        case .float32: addFloats(bytes)
        case .float64: addConverted(bytes, from: Double.self) { $0 }
        }
    }

    private mutating func addConverted<Value: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, from type: Value.Type, _ convert: (Value) -> Double
    ) {
        let size = MemoryLayout<Value>.size
        withUnsafeTemporaryAllocation(of: Double.self, capacity: Self.blockLimit) { block in
            for first in stride(from: 0, to: bytes.count / size, by: Self.blockLimit) {
                let count = min(Self.blockLimit, bytes.count / size - first)
                for index in 0..<count {
                    block[index] = convert(bytes.loadUnaligned(fromByteOffset: (first + index) * size, as: Value.self))
                }
                addBlock(count) { block[$0] }
            }
        }
    }

    /// Adds the finite ones of `valueCount` values, in two passes.
    private mutating func addBlock(_ valueCount: Int, _ value: (Int) -> Double) {
        guard let first = (0..<valueCount).first(where: { value($0).isFinite }).map(value) else {
            return countNonFinite(valueCount)
        }
        // Values are scaled by a power of two, so that even the largest numbers do not overflow in the sum for the mean. Their
        // differences from the first one are summed, so that equal numbers have no deviation.
        let scale = 1 / Double(2 * Self.blockLimit)
        var count = 0
        var sum = 0.0
        var low = first
        var high = first
        for index in 0..<valueCount where value(index).isFinite {
            count += 1
            sum += value(index) * scale - first * scale
            low = min(low, value(index))
            high = max(high, value(index))
        }
        countNonFinite(valueCount - count)
        let mean = (first * scale + sum / Double(count)) / scale
        var squares = 0.0
        for index in 0..<valueCount where value(index).isFinite {
            let difference = value(index) - mean
            squares += difference * difference
        }
        combine(count: count, minimum: low, maximum: high, mean: mean, squares: squares)
    }

    /// Adds float32 voxels, the case that must be fast: eight lanes at once, in one pass, with sums of differences from the
    /// mean so far.
    private mutating func addFloats(_ bytes: UnsafeRawBufferPointer) {
        typealias Lanes = SIMD8<Float>
        let total = bytes.count / MemoryLayout<Float>.size
        for first in stride(from: 0, to: total, by: Self.blockLimit) {
            let count = min(Self.blockLimit, total - first)
            let block = UnsafeRawBufferPointer(rebasing: bytes[first * 4..<(first + count) * 4])
            let vectorCount = count / Lanes.scalarCount
            let shift = self.count > 0 ? mean : Double(block.loadUnaligned(as: Float.self))
            var low = Lanes(repeating: .infinity)
            var high = Lanes(repeating: -.infinity)
            var sum = SIMD8<Double>.zero
            var squares = SIMD8<Double>.zero
            for index in 0..<vectorCount {
                let values = block.loadUnaligned(fromByteOffset: index * MemoryLayout<Lanes>.size, as: Lanes.self)
                low.replace(with: values, where: values .< low)
                high.replace(with: values, where: values .> high)
                let difference = SIMD8<Double>(values) - shift
                sum += difference
                squares += difference * difference
            }
            // NaN or infinity in the block makes the sum non-finite. Then the block, and always the values after the last whole
            // vector, are added by `addBlock`.
            var done = vectorCount * Lanes.scalarCount
            let blockSum = sum.sum()
            if blockSum.isFinite && done > 0 {
                let mean = blockSum / Double(done)
                combine(
                    count: done, minimum: Double(low.min()), maximum: Double(high.max()), mean: shift + mean,
                    squares: max(0, squares.sum() - mean * blockSum))
            } else {
                done = 0
            }
            if done < count {
                addBlock(count - done) { Double(block.loadUnaligned(fromByteOffset: (done + $0) * 4, as: Float.self)) }
            }
        }
    }
}
