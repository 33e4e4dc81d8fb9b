/// The header of a frame of Blosc 1, which holds one compressed chunk.
///
/// Source: `README_CHUNK_FORMAT.rst` of c-blosc 1.21.
struct BloscFrame {
    /// The compressors inside frames, by their numbers there; LZ4 at its high levels has the format of LZ4.
    private static let compressors = ["blosclz", "lz4", "snappy", "zlib", "zstd"]

    static let headerSize = 16

    /// The most bytes that a frame is longer than what it holds: its header.
    static let overhead = headerSize

    let elementSize: Int
    let decodedCount: Int
    let blockSize: Int
    let encodedCount: Int
    /// The name of the compressor; nil for a number that is not known.
    let compressor: String?

    /// Reads the header; nil where the bytes are too short for one, or of another version of the format.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headerSize, (1...2).contains(bytes[0]) else { return nil }
        func number(at offset: Int) -> Int {
            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
        }
        elementSize = Int(bytes[3])
        (decodedCount, blockSize, encodedCount) = (number(at: 4), number(at: 8), number(at: 12))
        let code = Int(bytes[2] >> 5)
        compressor = code < Self.compressors.count ? Self.compressors[code] : nil
    }

    /// Whether the numbers fit each other and the size of the file.
    func isPlausible(fileSize: Int) -> Bool {
        elementSize > 0 && encodedCount == fileSize && blockSize > 0 && blockSize <= max(decodedCount, 1)
    }
}
