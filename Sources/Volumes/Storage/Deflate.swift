internal import CZlib

/// Encodes deflate streams (RFC 1951) with zlib.
package enum Deflate {
    /// An upper limit for the size of an encoded stream of `byteCount` bytes.
    static func encodedByteLimit(_ byteCount: Int) -> Int {
        // Deflate adds at most 5 bytes per 16 kB and a few more. A 512th of the size and a kilobyte exceed that.
        byteCount + byteCount / 512 + 1024
    }

    /// The bytes as one zlib stream (RFC 1950); nil where zlib gets no memory.
    ///
    /// - Parameters:
    ///   - bytes: less than 4 GiB.
    ///   - level: 1, the fastest, to 9.
    ///   - isRunLength: whether only runs of one byte are matched: for shuffled numbers, faster and no larger.
    /// - Complexity: one pass over the bytes; allocates slightly more than their number.
    package static func zlib(_ bytes: UnsafeRawBufferPointer, level: Int, isRunLength: Bool = false) -> [UInt8]? {
        var stream = z_stream()
        guard czlib_deflate_init(&stream, Int32(level), 15) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        if isRunLength { deflateParams(&stream, Int32(level), Z_RLE) }
        var isComplete = false
        let encoded = [UInt8](unsafeUninitializedCapacity: encodedByteLimit(bytes.count)) { buffer, count in
            stream.next_in = bytes.baseAddress.map { UnsafeMutablePointer(mutating: $0.assumingMemoryBound(to: UInt8.self)) }
            stream.avail_in = UInt32(bytes.count)
            stream.next_out = buffer.baseAddress
            stream.avail_out = UInt32(buffer.count)
            isComplete = CZlib.deflate(&stream, Z_FINISH) == Z_STREAM_END
            count = isComplete ? buffer.count - Int(stream.avail_out) : 0
        }
        return isComplete ? encoded : nil
    }
}
