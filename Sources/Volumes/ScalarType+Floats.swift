import Basics

extension ScalarType {
    /// Converts little-endian values of this type to float32. Integers beyond 2²⁴ and float64 are rounded to the nearest float32.
    ///
    /// - Parameters:
    ///   - bytes: the values, `floats.count * size` bytes, aligned to the size of a value.
    ///   - floats: the memory for as many values.
    /// - Complexity: one pass over the values.
    package func convert(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
        precondition(bytes.count == floats.count * size, "\(bytes.count) bytes do not hold \(floats.count) values of \(self)")
        switch self {
        case .uint8: Self.convert(bytes, of: UInt8.self, into: floats) { Float($0) }
        case .int8: Self.convert(bytes, of: Int8.self, into: floats) { Float($0) }
        case .uint16: Self.convert(bytes, of: UInt16.self, into: floats) { Float($0) }
        case .int16: Self.convert(bytes, of: Int16.self, into: floats) { Float($0) }
        case .uint32: Self.convert(bytes, of: UInt32.self, into: floats) { Float($0) }
        case .int32: Self.convert(bytes, of: Int32.self, into: floats) { Float($0) }
        case .uint64: Self.convert(bytes, of: UInt64.self, into: floats) { Float($0) }
        case .int64: Self.convert(bytes, of: Int64.self, into: floats) { Float($0) }
        case .float16: Float16.widen(bytes.assumingMemoryBound(to: UInt16.self), into: floats)
        case .float32: Self.convert(bytes, of: Float.self, into: floats) { $0 }
        case .float64: Self.convert(bytes, of: Double.self, into: floats) { Float($0) }
        }
    }

    @inline(__always)
    private static func convert<Value: BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer, of type: Value.Type, into floats: UnsafeMutableBufferPointer<Float>,
        _ value: (Value) -> Float
    ) {
        for index in floats.indices {
            floats[index] = value(bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Value>.size, as: Value.self))
        }
    }
}
