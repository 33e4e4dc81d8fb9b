extension VoxelBuffer {
    /// The voxels as float64, in storage order. Integers beyond 2⁵³ are rounded.
    ///
    /// - Complexity: one pass over the voxels; allocates eight bytes for each.
    func doubles() -> [Double] {
        switch scalarType {
        case .uint8: map(UInt8.self) { Double($0) }
        case .int8: map(Int8.self) { Double($0) }
        case .uint16: map(UInt16.self) { Double($0) }
        case .int16: map(Int16.self) { Double($0) }
        case .uint32: map(UInt32.self) { Double($0) }
        case .int32: map(Int32.self) { Double($0) }
        case .uint64: map(UInt64.self) { Double($0) }
        case .int64: map(Int64.self) { Double($0) }
        case .float16: map(Float16.self) { Double($0) }
        case .float32: map(Float.self) { Double($0) }
        case .float64: map(Double.self) { $0 }
        }
    }

    /// The voxels as whole numbers, in storage order.
    ///
    /// - Parameters:
    ///   - absent: what stands for a voxel that is no whole number, or leaves `Int64` when the offset is added.
    ///   - offset: what is added to each whole number.
    /// - Complexity: one pass over the voxels; allocates eight bytes for each.
    func wholeNumbers(absent: Int64, adding offset: Int64) -> [Int64] {
        func shifted(_ value: Int64?) -> Int64 {
            guard let (sum, overflows) = value?.addingReportingOverflow(offset), !overflows else { return absent }
            return sum
        }
        return switch scalarType {
        case .uint8: map(UInt8.self) { shifted(Int64($0)) }
        case .int8: map(Int8.self) { shifted(Int64($0)) }
        case .uint16: map(UInt16.self) { shifted(Int64($0)) }
        case .int16: map(Int16.self) { shifted(Int64($0)) }
        case .uint32: map(UInt32.self) { shifted(Int64($0)) }
        case .int32: map(Int32.self) { shifted(Int64($0)) }
        case .uint64: map(UInt64.self) { shifted(Int64(exactly: $0)) }
        case .int64: map(Int64.self) { shifted($0) }
        case .float16: map(Float16.self) { shifted(Int64(exactly: Float($0))) }
        case .float32: map(Float.self) { shifted(Int64(exactly: $0)) }
        case .float64: map(Double.self) { shifted(Int64(exactly: $0)) }
        }
    }

    /// The result of a closure for each voxel; empty where the buffer has another type.
    @inline(__always)
    private func map<Value: VoxelScalar, Result>(_ type: Value.Type, _ transform: (Value) -> Result) -> [Result] {
        withValues(as: type) { $0.map(transform) } ?? []
    }
}
