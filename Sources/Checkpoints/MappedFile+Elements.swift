extension MappedFile {
    /// Bytes that are read at a time, where elements are not seen through the map.
    private static let pieceByteCount = 2 << 20

    /// Calls the closure with the bytes of a tensor's elements in row-major order, 2 MB at a time, and the number of the first
    /// element. The bytes begin where a number of any type may.
    ///
    /// - Complexity: where elements lie in another order, a second copy of the stretch of file that holds them is in memory.
    /// - Throws: ``CheckpointError`` where the file has changed since it was opened, and what the closure throws.
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

/// Where the elements of a strided tensor lie, in row-major order.
private struct ElementOrder {
    private let shape: [Int]
    private let strides: [Int]
    private var indices: [Int]
    private var offset = 0

    init(shape: [Int], strides: [Int]) {
        (self.shape, self.strides) = (shape, strides)
        indices = Array(repeating: 0, count: strides.count)
    }

    /// The place of an element; the next call gives that of the next one.
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
