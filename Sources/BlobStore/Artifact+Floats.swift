internal import Volumes

extension Artifact {
    /// Reads rows of a dataset as float32, whatever its type. Integers beyond 2²⁴ and float64 are rounded to the nearest.
    ///
    /// - Parameter rows: indices of the first axis; all where nil.
    /// - Throws: ``BlobError`` where there is no such dataset or row, or it is damaged.
    /// - Complexity: beside the result, holds the rows as they are stored, in parts of 16 MiB or one row.
    public func readFloats(_ name: String, rows: Range<Int>? = nil) throws(BlobError) -> [Float] {
        let description = try dataset(name)
        let rows = rows ?? 0..<description.shape[0]
        if description.scalarType == .float32 { return try readRows(name, rows) }
        let count = try byteCount(of: rows, in: description) / description.scalarType.size
        var failure: BlobError?
        let floats = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(BlobError) {
                try readFloats(description, rows, into: buffer)
                initialized = count
            } catch {
                failure = error
                initialized = 0
            }
        }
        if let failure { throw failure }
        return floats
    }

    private func readFloats(
        _ description: DatasetDescription, _ rows: Range<Int>, into floats: UnsafeMutableBufferPointer<Float>
    ) throws(BlobError) {
        let elementsPerRow = description.rowByteCount / description.scalarType.size
        try forEachPart(of: description, rows) { (part, bytes) throws(BlobError) in
            let first = (part.lowerBound - rows.lowerBound) * elementsPerRow
            let target = UnsafeMutableBufferPointer(rebasing: floats[first..<first + part.count * elementsPerRow])
            convert(bytes, of: description.scalarType, into: target)
        }
    }
}

/// Converts little-endian values of a type to float32; both sides have the same number of elements.
private func convert(
    _ bytes: UnsafeRawBufferPointer, of scalarType: ScalarType, into floats: UnsafeMutableBufferPointer<Float>
) {
    switch scalarType {
    case .uint8: convert(bytes, of: UInt8.self, into: floats) { Float($0) }
    case .int8: convert(bytes, of: Int8.self, into: floats) { Float($0) }
    case .uint16: convert(bytes, of: UInt16.self, into: floats) { Float($0) }
    case .int16: convert(bytes, of: Int16.self, into: floats) { Float($0) }
    case .uint32: convert(bytes, of: UInt32.self, into: floats) { Float($0) }
    case .int32: convert(bytes, of: Int32.self, into: floats) { Float($0) }
    case .uint64: convert(bytes, of: UInt64.self, into: floats) { Float($0) }
    case .int64: convert(bytes, of: Int64.self, into: floats) { Float($0) }
    case .float16: convertHalves(bytes, into: floats)
    case .float32: convert(bytes, of: Float.self, into: floats) { $0 }
    case .float64: convert(bytes, of: Double.self, into: floats) { Float($0) }
    }
}

@inline(__always)
private func convert<Value: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, of type: Value.Type, into floats: UnsafeMutableBufferPointer<Float>,
    _ value: (Value) -> Float
) {
    for index in floats.indices {
        floats[index] = value(bytes.loadUnaligned(fromByteOffset: index &* MemoryLayout<Value>.size, as: Value.self))
    }
}

/// Converts float16, eight at a time. On a processor that the compiler does not know to have the instruction, Swift
/// calls a function for each value, which takes ten times as long.
private func convertHalves(_ bytes: UnsafeRawBufferPointer, into floats: UnsafeMutableBufferPointer<Float>) {
    let vectorCount = floats.count / 8
    let target = UnsafeMutableRawBufferPointer(floats)
    for vector in 0..<vectorCount {
        let halves = bytes.loadUnaligned(fromByteOffset: vector &* 16, as: SIMD8<UInt16>.self)
        target.storeBytes(of: widened(halves), toByteOffset: vector &* 32, as: SIMD8<Float>.self)
    }
    for index in vectorCount * 8..<floats.count {
        floats[index] = Float(bytes.loadUnaligned(fromByteOffset: index &* 2, as: Float16.self))
    }
}

/// Moves exponent and mantissa to where float32 has them, and corrects the exponent's bias by a multiplication, which
/// is exact and turns subnormals into normal numbers; infinities and NaN, beyond all others then, get their exponent.
@inline(__always)
private func widened(_ halves: SIMD8<UInt16>) -> SIMD8<Float> {
    let bits = SIMD8<UInt32>(truncatingIfNeeded: halves)
    let magnitude = unsafeBitCast((bits & 0x7fff) &<< 13, to: SIMD8<Float>.self) * 0x1p112
    // Comparing vectors of integers is done value by value; a carry out of the exponent tells as much.
    let isSpecial = ((bits & 0x7c00) &+ 0x0400) &>> 15
    let exponent = (0 &- isSpecial) & 0x7f80_0000
    return unsafeBitCast(
        unsafeBitCast(magnitude, to: SIMD8<UInt32>.self) | exponent | (bits & 0x8000) &<< 16, to: SIMD8<Float>.self)
}
