/// Encodes and decodes chunks in the formats of HDF5's filters: shuffle and deflate, or neither, then the Fletcher checksum.
///
/// Every HDF5 program can read the result. HDF5's own filters are not used for two reasons: they run under the library's
/// one lock; and zlib's run-length strategy, which HDF5 does not offer, compresses voxels three times as fast as the
/// default one, to the same size or smaller, because shuffled bytes of floats have no long matches and labels are runs.
package struct ChunkCodec: Sendable {
    /// The size of an element in bytes.
    package let elementSize: Int
    /// The level of deflate, 1 to 9, or 0 for no compression. Level 1 uses zlib's run-length strategy.
    package let compression: Int

    package init(elementSize: Int, compression: Int) {
        self.elementSize = elementSize
        self.compression = compression
    }

    /// An upper limit for the size of an encoded chunk of `byteCount` bytes.
    package static func encodedByteLimit(_ byteCount: Int) -> Int { Deflate.encodedByteLimit(byteCount) }

    /// The chunk as it is stored; nil where zlib gets no memory.
    ///
    /// - Complexity: one pass over the chunk for each step (shuffle, deflate, checksum).
    package func encode(_ chunk: UnsafeRawBufferPointer) -> [UInt8]? {
        guard compression > 0 else { return Self.appendingChecksum([UInt8](chunk)) }
        let shuffled = [UInt8](unsafeUninitializedCapacity: chunk.count) { planes, count in
            shuffle(chunk, into: UnsafeMutableRawBufferPointer(planes))
            count = chunk.count
        }
        return deflate(shuffled).map(Self.appendingChecksum)
    }

    /// Decodes a stored chunk into `chunk`, which has its exact size. Returns false where the checksum, the compressed
    /// stream or the size is wrong.
    package func decode(_ stored: [UInt8], into chunk: UnsafeMutableRawBufferPointer) -> Bool {
        guard stored.count > 4 else { return false }
        let payload = stored.dropLast(4)
        let isIntact = payload.withUnsafeBytes { Fletcher32.checksum($0) }
        guard stored.suffix(4).elementsEqual(Fletcher32.bytes(isIntact)) else { return false }
        guard compression > 0 else {
            guard payload.count == chunk.count else { return false }
            chunk.copyBytes(from: payload)
            return true
        }
        if elementSize == 1 { return inflate(payload, into: chunk) }
        var isComplete = false
        let shuffled = [UInt8](unsafeUninitializedCapacity: chunk.count) { planes, count in
            isComplete = inflate(payload, into: UnsafeMutableRawBufferPointer(planes))
            count = isComplete ? chunk.count : 0
        }
        guard isComplete else { return false }
        shuffled.withUnsafeBytes { unshuffle($0, into: chunk) }
        return true
    }

    private static func appendingChecksum(_ bytes: [UInt8]) -> [UInt8] {
        bytes + Fletcher32.bytes(bytes.withUnsafeBytes { Fletcher32.checksum($0) })
    }

    private func deflate(_ bytes: [UInt8]) -> [UInt8]? {
        bytes.withUnsafeBytes { Deflate.zlib($0, level: compression, isRunLength: compression == 1) }
    }

    /// Whether the bytes begin with a zlib stream that fills the output exactly.
    private func inflate(_ bytes: ArraySlice<UInt8>, into output: UnsafeMutableRawBufferPointer) -> Bool {
        let progress = bytes.withUnsafeBytes { Inflate.decode($0, .zlib, into: output) }
        return progress.status == .ended && progress.produced == output.count
    }

    // Shuffling stores the elements as planes: the first bytes of all elements, then the second bytes, and so on.

    private func shuffle(_ elements: UnsafeRawBufferPointer, into planes: UnsafeMutableRawBufferPointer) {
        guard elementSize > 1 else { return planes.copyMemory(from: elements) }
        let count = elements.count / elementSize
        guard let source = elements.baseAddress, let target = planes.baseAddress else { return }
        for byte in 0..<elementSize {
            let plane = target + byte * count
            for index in 0..<count {
                plane.storeBytes(
                    of: source.load(fromByteOffset: index &* elementSize &+ byte, as: UInt8.self), toByteOffset: index,
                    as: UInt8.self)
            }
        }
    }

    private func unshuffle(_ planes: UnsafeRawBufferPointer, into elements: UnsafeMutableRawBufferPointer) {
        let count = elements.count / elementSize
        guard let source = planes.baseAddress, let target = elements.baseAddress else { return }
        for byte in 0..<elementSize {
            let plane = source + byte * count
            for index in 0..<count {
                target.storeBytes(
                    of: plane.load(fromByteOffset: index, as: UInt8.self), toByteOffset: index &* elementSize &+ byte,
                    as: UInt8.self)
            }
        }
    }
}

/// The checksum of HDF5's fletcher32 filter (J. G. Fletcher, *An arithmetic checksum for serial transmissions*, IEEE
/// Transactions on Communications, 1982) over big-endian 16-bit words; an odd last byte counts as a high byte.
private enum Fletcher32 {
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var first: UInt32 = 0
        var second: UInt32 = 0
        func fold(_ sum: UInt32) -> UInt32 { (sum & 0xffff) &+ (sum >> 16) }
        let wordCount = bytes.count / 2
        var word = 0
        while word < wordCount {
            // At most 360 words can be added before a 32-bit sum may overflow.
            let end = min(word + 360, wordCount)
            while word < end {
                first &+= UInt32(bytes.loadUnaligned(fromByteOffset: word &* 2, as: UInt16.self).byteSwapped)
                second &+= first
                word &+= 1
            }
            first = fold(first)
            second = fold(second)
        }
        if bytes.count % 2 == 1 {
            first &+= UInt32(bytes[bytes.count - 1]) << 8
            second = fold(second &+ first)
            first = fold(first)
        }
        return fold(second) << 16 | fold(first)
    }

    /// The checksum's bytes as the filter stores them: little-endian.
    static func bytes(_ checksum: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
    }
}
