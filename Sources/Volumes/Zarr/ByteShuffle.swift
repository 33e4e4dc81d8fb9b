/// Undoes the codec `shuffle`, which stores the first bytes of all elements, then their second bytes, and so on.
enum ByteShuffle {
    /// Puts the bytes of each element together again.
    ///
    /// - Parameters:
    ///   - planes: a whole number of elements.
    ///   - elements: as many bytes as `planes`.
    /// - Complexity: one pass.
    static func undo(
        _ planes: UnsafeRawBufferPointer, elementSize: Int, into elements: UnsafeMutableRawBufferPointer
    ) {
        switch elementSize {
        case ...1: elements.copyMemory(from: planes)
        case 2: join(planes, as: UInt16.self, into: elements)
        case 4: join(planes, as: UInt32.self, into: elements)
        case 8: join(planes, as: UInt64.self, into: elements)
        default:
            let count = planes.count / elementSize
            for byte in 0..<elementSize {
                for index in 0..<count { elements[index &* elementSize &+ byte] = planes[byte &* count &+ index] }
            }
        }
    }

    /// The same for elements that are a machine's word: one store for each.
    @inline(__always)
    private static func join<Word: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ planes: UnsafeRawBufferPointer, as type: Word.Type, into elements: UnsafeMutableRawBufferPointer
    ) {
        let size = MemoryLayout<Word>.size
        let count = planes.count / size
        guard let source = planes.baseAddress?.assumingMemoryBound(to: UInt8.self), let target = elements.baseAddress else {
            return
        }
        for index in 0..<count {
            var word = Word.zero
            for byte in 0..<size {
                word |= Word(truncatingIfNeeded: source[byte &* count &+ index]) &<< Word(truncatingIfNeeded: 8 &* byte)
            }
            target.storeBytes(of: word.littleEndian, toByteOffset: index &* size, as: Word.self)
        }
    }
}
