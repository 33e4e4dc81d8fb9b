import CZlib

/// Decodes one deflate stream (RFC 1951) with zlib, piece by piece or at once.
///
/// The caller gives every piece of input, and the memory for every piece of output. So the output is bounded by that memory,
/// whatever the stream holds. Not safe for use by several threads at once.
final class Inflate {
    /// What surrounds the deflate stream.
    enum Wrapper {
        /// Nothing.
        case none
        /// A header of two bytes and an Adler-32 checksum (RFC 1950).
        case zlib
        /// The header of a gzip member, its CRC-32 and its length (RFC 1952).
        case gzip

        /// zlib's number for it (`windowBits`), with a window of 32 KiB.
        fileprivate var windowBits: CInt {
            switch self {
            case .none: -MAX_WBITS
            case .zlib: MAX_WBITS
            case .gzip: MAX_WBITS + 16
            }
        }
    }

    /// Where a call stopped.
    enum Status {
        /// The input is used up or the output is full; the stream has not ended.
        case unfinished
        /// The stream has ended, and its checksum is right.
        case ended
        /// The bytes are not a deflate stream in this wrapper, or its checksum is wrong.
        case damaged
        /// zlib got no memory.
        case outOfMemory
    }

    /// The result of a call: where it stopped, and the number of bytes read from the input and written to the output.
    struct Progress {
        var status: Status
        var consumed: Int
        var produced: Int
    }

    /// The most bytes to which one compressed byte decodes: a match of 258 bytes takes two bits at least. What a header declares
    /// is compared with it before memory is allocated.
    static let ratioLimit = 1032

    /// The most bytes of input or output in one call of zlib, which counts in 32 bits.
    private static let pieceLimit = Int(UInt32.max)

    // zlib keeps a pointer to its z_stream, so the stream must never move in memory.
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

    /// Returns nil where zlib gets no memory.
    ///
    /// - Complexity: zlib allocates 7 KiB, and a window of 32 KiB when a stream is decoded in more than one call.
    init?(_ wrapper: Wrapper) {
        stream.initialize(to: z_stream())
        guard czlib_inflate_init(stream, wrapper.windowBits) == Z_OK else { return nil }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// Decodes the next piece: until the input is used up, the output is full or the stream ends. Of 4 GiB or more of input or
    /// output, only the first 2³² − 1 bytes are used.
    ///
    /// - Parameter stopsAtBlock: whether it also stops at the end of each deflate block; see ``unusedBitsAtBlockEnd``.
    func decode(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, stopsAtBlock: Bool = false
    ) -> Progress {
        step(input, into: output, stopsAtBlock ? Z_BLOCK : Z_NO_FLUSH)
    }

    private func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, _ flush: CInt
    ) -> Progress {
        // zlib refuses null pointers, even where there is nothing to read or no space.
        var (noInput, noOutput): (UInt8, UInt8) = (0, 0)
        let (available, room) = (min(input.count, Self.pieceLimit), min(output.count, Self.pieceLimit))
        return withUnsafeMutablePointer(to: &noInput) { noInput in
            withUnsafeMutablePointer(to: &noOutput) { noOutput in
                let source = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.pointee.next_in = source.map(UnsafeMutablePointer.init(mutating:)) ?? noInput
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? noOutput
                stream.pointee.avail_out = UInt32(room)
                let code = inflate(stream, flush)
                let status: Status =
                    switch code {
                    case Z_OK, Z_BUF_ERROR: .unfinished
                    case Z_STREAM_END: .ended
                    case Z_MEM_ERROR: .outOfMemory
                    default: .damaged
                    }
                return Progress(
                    status: status, consumed: available - Int(stream.pointee.avail_in),
                    produced: room - Int(stream.pointee.avail_out))
            }
        }
    }
}

extension Inflate {
    /// Decodes a whole stream into memory of its expected size.
    ///
    /// | status | produced | meaning |
    /// |---|---|---|
    /// | `.ended` | all of the output | as expected; the input has more bytes where not all are consumed |
    /// | `.ended` | less | the stream is shorter than expected |
    /// | `.unfinished` | all of the output | the stream is longer than expected |
    /// | `.unfinished` | less | the input ends early |
    ///
    /// - Parameters:
    ///   - encoded: less than 4 GiB.
    ///   - output: less than 4 GiB.
    /// - Complexity: one pass over the input.
    static func decode(
        _ encoded: UnsafeRawBufferPointer, _ wrapper: Wrapper, into output: UnsafeMutableRawBufferPointer
    ) -> Progress {
        guard let inflate = Inflate(wrapper) else { return Progress(status: .outOfMemory, consumed: 0, produced: 0) }
        return inflate.step(encoded, into: output, Z_FINISH)
    }
}

// What an index of restart points needs, as in zlib's examples/zran.c.
extension Inflate {
    /// After a call that stops at blocks: the number of bits of the last byte of input that are not used yet, if the call stopped
    /// at the end of a block that is not the last one; else nil.
    var unusedBitsAtBlockEnd: CInt? {
        // Bit 7 is set at the end of a block, bit 6 in the last block of the stream, bits 0 to 2 are the number.
        let state = stream.pointee.data_type
        return state & 0b1100_0000 == 0b1000_0000 ? state & 7 : nil
    }

    /// The last bytes decoded, up to 32 KiB, to which the next ones may refer.
    var window: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 1 << Int(MAX_WBITS)) { buffer, count in
            var length: UInt32 = 0
            inflateGetDictionary(stream, buffer.baseAddress, &length)
            count = Int(length)
        }
    }

    /// Goes on in the middle of a stream without a wrapper, at the end of a block.
    ///
    /// - Parameters:
    ///   - window: ``window`` there.
    ///   - bits: ``unusedBitsAtBlockEnd`` there.
    ///   - byte: the byte before the next byte of input, which holds these bits at its upper end.
    func restart(window: [UInt8], unusedBits bits: CInt, of byte: UInt8) {
        if bits > 0 { inflatePrime(stream, bits, CInt(byte) >> (8 - bits)) }
        inflateSetDictionary(stream, window, UInt32(window.count))
    }

    /// Begins a new stream; the window is forgotten.
    func reset() { inflateReset(stream) }
}
