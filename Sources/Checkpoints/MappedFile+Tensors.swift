internal import Tensors

/// The values of tensors. Both formats share this code: they differ only in how they list their tensors.
extension MappedFile {
    /// The elements as float32, row-major.
    ///
    /// Aligned row-major float32 is a view of the mapped file: nothing is copied, and the tensor keeps the file open. Float16 and
    /// bfloat16 are converted exactly, float64 is rounded, through a buffer of 2 MiB.
    ///
    /// - Throws: ``CheckpointError`` if the elements are no floats, or the file became shorter since it was opened.
    /// - Complexity: O(1) for a view, otherwise O(elements).
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

    /// - Throws: ``CheckpointError`` if a tensor is of a type that ``tensor(_:)`` does not read.
    func checkHoldsFloats(_ entry: TensorEntry) throws(CheckpointError) {
        guard entry.elementType.isFloat else {
            throw .mismatched(entry, needing: "floats (F32, F16, BF16, F64)", path: path)
        }
    }

    /// The elements of a tensor of integers or booleans, row-major.
    ///
    /// - Throws: ``CheckpointError`` if the elements are floats, or the file became shorter since it was opened.
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

    /// Converts floats of any type to float32.
    ///
    /// - Precondition: the bytes are aligned for the type, and hold as many elements as the target.
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

extension MappedFile {
    /// How many bytes ``readElements(of:_:)`` reads at a time.
    private static let pieceByteCount = 2 << 20

    /// Calls the closure with the bytes of a tensor's elements in row-major order, at most 2 MiB at a time, and the index of the
    /// first element. The bytes are aligned for every element type.
    ///
    /// - Throws: ``CheckpointError`` if the file became shorter since it was opened, and the errors of the closure.
    /// - Complexity: O(elements). If the elements are strided, all bytes of the tensor's range are copied into memory first.
    func readElements(
        of entry: TensorEntry, _ body: (_ first: Int, UnsafeRawBufferPointer) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        let size = entry.elementType.byteCount
        let count = entry.count
        let step = Self.pieceByteCount / size
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: max(min(step, count) * size, 1), alignment: 64)
        defer { piece.deallocate() }
        let source = entry.strides == nil ? [] : try bytes(in: entry.byteRange)
        var order = ElementOrder(shape: entry.shape, strides: entry.strides ?? [])
        for first in stride(from: 0, to: count, by: step) {
            let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<(min(step, count - first) * size)])
            if entry.strides == nil {
                try read(at: entry.byteRange.lowerBound + first * size, into: part)
            } else {
                for start in stride(from: 0, to: part.count, by: size) {
                    let offset = order.next() * size
                    for byte in 0..<size { part[start + byte] = source[offset + byte] }
                }
            }
            try body(first, UnsafeRawBufferPointer(part))
        }
    }
}

/// Steps through the elements of a strided tensor in row-major order, and gives the offset of each, in elements.
private struct ElementOrder {
    private let shape: [Int]
    private let strides: [Int]
    private var indices: [Int]
    private var offset = 0

    init(shape: [Int], strides: [Int]) {
        (self.shape, self.strides) = (shape, strides)
        indices = Array(repeating: 0, count: strides.count)
    }

    /// Returns the offset of the current element, and moves on to the next one.
    mutating func next() -> Int {
        defer { advance() }
        return offset
    }

    private mutating func advance() {
        for axis in indices.indices.reversed() {
            indices[axis] += 1
            offset += strides[axis]
            if indices[axis] < shape[axis] { return }
            offset -= indices[axis] * strides[axis]
            indices[axis] = 0
        }
    }
}
