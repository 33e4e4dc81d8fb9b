/// Numbers at offsets of a block of bytes, in the byte order of the file.
struct EndianBytes {
    let bytes: [UInt8]
    let isLittleEndian: Bool

    /// The integer at an offset, or nil where it does not lie in the bytes.
    func integer<Value: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: Value.Type = Value.self) -> Value? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Value>.size else { return nil }
        let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Value.self) }
        return isLittleEndian ? Value(littleEndian: value) : Value(bigEndian: value)
    }

    /// The float32 at an offset, or nil where it does not lie in the bytes.
    func float(at offset: Int) -> Float? {
        integer(at: offset, as: UInt32.self).map(Float.init(bitPattern:))
    }

    /// Reverses the bytes of every value of `size` bytes; other sizes than 2, 4 and 8 are left alone.
    static func reverseBytes(of buffer: UnsafeMutableRawBufferPointer, valueSize size: Int) {
        func reverse<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) {
            guard let base = buffer.baseAddress else { return }
            for offset in stride(from: 0, to: buffer.count - MemoryLayout<Value>.size + 1, by: MemoryLayout<Value>.size) {
                let value = base.loadUnaligned(fromByteOffset: offset, as: Value.self)
                base.storeBytes(of: value.byteSwapped, toByteOffset: offset, as: Value.self)
            }
        }
        switch size {
        case 2: reverse(UInt16.self)
        case 4: reverse(UInt32.self)
        case 8: reverse(UInt64.self)
        default: break
        }
    }
}
