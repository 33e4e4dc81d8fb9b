/// The 32-bit cyclic redundancy checks of zarr's codecs `crc32` and `crc32c`: both reflected, begun and ended with all bits set.
///
/// Sources: RFC 1952, section 8 (the polynomial of gzip); RFC 3720, appendix B.4 (Castagnoli's polynomial and test values).
enum Checksum32: Hashable, Sendable {
    case gzip, castagnoli

    /// The number of bytes that the checksum takes beside the data; it is little-endian.
    static let size = 4

    /// The checksum of some bytes.
    ///
    /// - Complexity: eight table look-ups for eight bytes.
    func value(of bytes: UnsafeRawBufferPointer) -> UInt32 {
        let table = self == .gzip ? Self.gzipTable : Self.castagnoliTable
        var checksum = ~UInt32(0)
        return table.withUnsafeBufferPointer { table in
            var offset = 0
            while offset <= bytes.count - 8 {
                let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ UInt64(checksum)
                checksum = 0
                // The first byte has seven more behind it, and so the table for seven zero bytes more.
                for byte in 0..<8 {
                    checksum ^= table[(7 &- byte) &* 256 &+ Int(truncatingIfNeeded: word >> UInt64(8 &* byte) & 0xff)]
                }
                offset &+= 8
            }
            while offset < bytes.count {
                checksum = checksum >> 8 ^ table[Int((checksum ^ UInt32(bytes[offset])) & 0xff)]
                offset &+= 1
            }
            return ~checksum
        }
    }

    private static let gzipTable = makeTable(0xedb8_8320)
    private static let castagnoliTable = makeTable(0x82f6_3b78)

    /// For each number of zero bytes up to seven, the checksums of each byte followed by them: 8 × 256 values.
    private static func makeTable(_ polynomial: UInt32) -> [UInt32] {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
            table[byte] = value
        }
        for index in 256..<8 * 256 {
            let value = table[index - 256]
            table[index] = value >> 8 ^ table[Int(value & 0xff)]
        }
        return table
    }
}
