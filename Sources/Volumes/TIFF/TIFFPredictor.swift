/// Undoes what was done to the rows of a page before compression, in place.
enum TIFFPredictor {
    /// Predictor 2 (TIFF 6.0 section 14): each value was replaced by its difference from the one before.
    ///
    /// - Parameter row: little-endian values of `size` bytes.
    static func accumulate(_ row: UnsafeMutableRawBufferPointer, valueSize size: Int) {
        func accumulate<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type) {
            var sum: Value = 0
            for offset in stride(from: 0, to: row.count - MemoryLayout<Value>.size + 1, by: MemoryLayout<Value>.size) {
                sum &+= row.loadUnaligned(fromByteOffset: offset, as: Value.self)
                row.storeBytes(of: sum, toByteOffset: offset, as: Value.self)
            }
        }
        switch size {
        case 1: accumulate(UInt8.self)
        case 2: accumulate(UInt16.self)
        case 4: accumulate(UInt32.self)
        default: accumulate(UInt64.self)
        }
    }

    /// Predictor 3 (Adobe Photoshop TIFF technical note 3): the bytes of all values of a row were sorted by their
    /// place, the highest first, whatever the byte order of the file, and then replaced by their differences.
    ///
    /// - Returns: little-endian values.
    static func joinFloatBytes(_ row: UnsafeMutableRawBufferPointer, valueSize size: Int) {
        accumulate(row, valueSize: 1)
        let planes = [UInt8](row)
        let count = row.count / size
        for index in 0..<count {
            for place in 0..<size { row[index * size + size - 1 - place] = planes[place * count + index] }
        }
    }
}
