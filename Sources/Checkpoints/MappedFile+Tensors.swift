internal import Tensors

/// Tensors out of files of any format: what differs between formats is how they list them.
extension MappedFile {
    /// The elements as float32.
    ///
    /// Aligned float32 is a view of the mapped file: nothing is copied, and the tensor keeps the file open. Float16 and bfloat16 are
    /// converted exactly, float64 is rounded, through a buffer of 2 MB.
    ///
    /// - Throws: ``CheckpointError`` where the type is another, or the file has changed since it was opened.
    func tensor(_ entry: TensorEntry) throws(CheckpointError) -> Tensor {
        try checkHoldsFloats(entry)
        if entry.elementType == .float32, entry.strides == nil, let floats = try floats(in: entry.byteRange) {
            return Tensor(shape: entry.shape, mapping: floats, owner: self)
        }
        var failure: CheckpointError?
        let tensor = Tensor(shape: entry.shape) { target in
            do throws(CheckpointError) {
                try readElements(of: entry) { (first, bytes) throws(CheckpointError) in
                    let part = UnsafeMutableBufferPointer(
                        rebasing: target[first..<first + bytes.count / entry.elementType.byteCount])
                    Self.convert(bytes, of: entry.elementType, to: part)
                }
            } catch { failure = error }
        }
        if let failure { throw failure }
        return tensor
    }

    /// Throws where a tensor is of a type that ``tensor(_:)`` does not read.
    func checkHoldsFloats(_ entry: TensorEntry) throws(CheckpointError) {
        guard entry.elementType.isFloat else {
            throw .mismatched(entry, needing: "floats (F32, F16, BF16, F64)", path: path)
        }
    }

    /// The elements of a tensor of integers or truth values.
    ///
    /// - Throws: ``CheckpointError`` where the type is another, or the file has changed since it was opened.
    func integers(_ entry: TensorEntry) throws(CheckpointError) -> [Int] {
        switch entry.elementType {
        case .int64: return try integers(entry, Int64.self)
        case .int32: return try integers(entry, Int32.self)
        case .int16: return try integers(entry, Int16.self)
        case .int8: return try integers(entry, Int8.self)
        case .uint8, .boolean: return try integers(entry, UInt8.self)
        case .float64, .float32, .float16, .bfloat16:
            throw .mismatched(entry, needing: "integers", path: path)
        }
    }

    private func integers<Value: FixedWidthInteger>(_ entry: TensorEntry, _: Value.Type) throws(CheckpointError) -> [Int] {
        var integers: [Int] = []
        integers.reserveCapacity(entry.count)
        try readElements(of: entry) { (_, bytes) throws(CheckpointError) in
            for start in stride(from: 0, to: bytes.count, by: MemoryLayout<Value>.size) {
                integers.append(Int(Value(littleEndian: bytes.load(fromByteOffset: start, as: Value.self))))
            }
        }
        return integers
    }

    /// - Precondition: the bytes are aligned, and are floats of the type, as many as the target holds.
    private static func convert(
        _ bytes: UnsafeRawBufferPointer, of type: ElementType, to target: UnsafeMutableBufferPointer<Float>
    ) {
        switch type {
        case .float16: Half.float16ToFloat32(bytes.bindMemory(to: UInt16.self), target)
        case .bfloat16: Half.bfloat16ToFloat32(bytes.bindMemory(to: UInt16.self), target)
        case .float64: for (index, value) in bytes.bindMemory(to: Double.self).enumerated() { target[index] = Float(value) }
        default: UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
        }
    }
}
