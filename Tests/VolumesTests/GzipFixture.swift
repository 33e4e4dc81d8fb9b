import CZlib

/// Makes gzip members, whole or with optional header fields.
enum GzipFixture {
    /// Bytes as one gzip member, with the fields of the header that `flags` asks for (RFC 1952, 2.3.1).
    static func member(_ bytes: [UInt8], level: Int32 = 6, flags: UInt8 = 0) -> [UInt8] {
        var header: [UInt8] = [0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3]
        if flags & 4 != 0 { header += [3, 0, 1, 2, 3] }
        if flags & 8 != 0 { header += Array("volume.mrc".utf8) + [0] }
        if flags & 16 != 0 { header += Array("a comment".utf8) + [0] }
        if flags & 2 != 0 { header += [0, 0] }
        let checksum = UInt32(truncatingIfNeeded: crc32_z(0, bytes, bytes.count))
        return header + deflated(bytes, level: level, windowBits: -MAX_WBITS)
            + [checksum, UInt32(truncatingIfNeeded: bytes.count)].flatMap { word in
                withUnsafeBytes(of: word.littleEndian) { Array($0) }
            }
    }

    /// Bytes as a zlib stream, a raw deflate stream (`windowBits` = −15) or a gzip member (31).
    static func deflated(_ bytes: [UInt8], level: Int32 = 6, windowBits: Int32 = MAX_WBITS) -> [UInt8] {
        var stream = z_stream()
        var input = bytes
        var output = [UInt8](repeating: 0, count: bytes.count + bytes.count / 100 + 1024)
        input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                _ = czlib_deflate_init(&stream, level, windowBits)
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(output.count)
                _ = deflate(&stream, Z_FINISH)
                deflateEnd(&stream)
            }
        }
        output.removeLast(Int(stream.avail_out))
        return output
    }
}
