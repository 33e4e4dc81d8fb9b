import Basics

/// Decodes a compressed strip or tile from its beginning on, so that as few rows as are wanted need memory.
protocol TIFFSegmentDecoder {
    /// Fills the buffer with the next bytes, or throws where there are not that many.
    mutating func decode(into buffer: UnsafeMutableRawBufferPointer) throws(VolumeError)
}

/// The compressed bytes of a segment, read from the file in parts.
struct TIFFSegmentInput {
    private static let partSize = 64 << 10

    let source: FileSource
    private var remaining: Range<Int>

    init(source: FileSource, range: Range<Int>) {
        self.source = source
        remaining = range
    }

    /// The next part; empty at the end.
    mutating func nextPart() throws(VolumeError) -> [UInt8] {
        let part = try source.bytes(at: remaining.lowerBound, count: min(Self.partSize, remaining.count))
        remaining = remaining.lowerBound + part.count..<remaining.upperBound
        return part
    }

    func isCorrupt() -> VolumeError {
        VolumeError(
            .malformed, "has a strip or tile before byte \(remaining.lowerBound) that cannot be decoded; copy the file again",
            path: source.path)
    }
}
