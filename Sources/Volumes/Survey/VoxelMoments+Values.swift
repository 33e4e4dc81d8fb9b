extension VoxelMoments {
    /// Voxels of a block: few enough to stay in the first-level cache while two passes are made over them.
    static let blockLimit = 4096

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

    /// Adds the finite ones of `count` values.
    private mutating func addBlock(_ valueCount: Int, _ value: (Int) -> Double) {
        guard let first = (0..<valueCount).first(where: { value($0).isFinite }).map(value) else {
            return countNonFinite(valueCount)
        }
        // Scaled by a power of two, so that not even the largest numbers overflow on the way to their mean, and summed
        // about one of them, so that equal numbers have no deviation.
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

    /// The case that must be fast: eight lanes at once, sums about the mean so far, so that one pass will do.
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
            // NaN and infinity show in the sum: then, and for what is left of the last vector, the careful way.
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
