internal import Volumes

extension Artifact {
    /// Reads rows of a dataset of any type as float32, slowest axis first. Integers beyond 2²⁴ and float64 are rounded to the
    /// nearest float32.
    ///
    /// - Parameter rows: indices along the first axis; nil for all.
    /// - Throws: ``BlobError`` where there is no such dataset or row, or it is damaged.
    /// - Complexity: decodes the chunks that contain the rows, on all cores; besides the result, it holds the stored values in
    ///   parts of about 16 MiB, or of the rows of one chunk if these are larger.
    public func readFloats(_ name: String, rows: Range<Int>? = nil) throws(BlobError) -> [Float] {
        let description = try description(of: name)
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

/// Converts little-endian values of a type to float32; both buffers have the same number of elements.
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

/// Converts float16 to float32, eight values at a time. Swift compiles for processors without the conversion instruction, for
/// which it calls a function for each value; that takes ten times as long.
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

/// Converts eight float16 to float32: shifts exponent and mantissa to their positions in float32, and corrects the bias of the
/// exponent by a multiplication, which is exact and turns subnormals into normal numbers. Infinities and NaN then get an
/// exponent of all ones.
@inline(__always)
private func widened(_ halves: SIMD8<UInt16>) -> SIMD8<Float> {
    let bits = SIMD8<UInt32>(truncatingIfNeeded: halves)
    let magnitude = unsafeBitCast((bits & 0x7fff) &<< 13, to: SIMD8<Float>.self) * 0x1p112
    // Swift compares integer vectors value by value; adding 1 to an exponent of all ones gives a carry in bit 15 instead.
    let isSpecial = ((bits & 0x7c00) &+ 0x0400) &>> 15
    let exponent = (0 &- isSpecial) & 0x7f80_0000
    return unsafeBitCast(
        unsafeBitCast(magnitude, to: SIMD8<UInt32>.self) | exponent | (bits & 0x8000) &<< 16, to: SIMD8<Float>.self)
}
