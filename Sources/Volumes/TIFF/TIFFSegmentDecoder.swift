import Basics

/// Decodes a compressed strip or tile from its beginning, in pieces as large as the caller's buffer.
protocol TIFFSegmentDecoder {
    /// Fills the whole buffer with the next decoded bytes.
    ///
    /// - Throws: ``VolumeError``, `.malformed`, where the segment is damaged or has fewer bytes.
    mutating func decode(into buffer: UnsafeMutableRawBufferPointer) throws(VolumeError)
}

/// The compressed bytes of a segment, read from the file in parts of 64 KiB.
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

/// Compression 5: LZW as in TIFF 6.0 section 13, with codes of 9 to 12 bits, the most significant bit first.
struct TIFFLZWDecoder: TIFFSegmentDecoder {
    private static let clear = 256
    private static let end = 257
    private static let tableSize = 4096

    private var input: TIFFSegmentInput
    private var part: [UInt8] = []
    private var used = 0
    private var bits: UInt32 = 0
    private var bitCount = 0
    private var codeSize = 9

    // The string of a code is the string of its prefix code and one more byte.
    private var prefixes = [UInt16](repeating: 0, count: tableSize)
    private var lastBytes = (0..<tableSize).map { UInt8(truncatingIfNeeded: $0) }
    private var lengths = [UInt16](repeating: 1, count: tableSize)
    private var nextCode = 258
    private var previous: Int?

    /// The string of the code decoded last, and the part of it that no caller has got yet.
    private var pending = [UInt8](repeating: 0, count: tableSize)
    private var pendingRange = 0..<0

    init(_ input: TIFFSegmentInput) { self.input = input }

    mutating func decode(into buffer: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        var filled = 0
        while filled < buffer.count {
            if pendingRange.isEmpty { try decodeString() }
            let count = min(pendingRange.count, buffer.count - filled)
            for index in 0..<count { buffer[filled + index] = pending[pendingRange.lowerBound + index] }
            filled += count
            pendingRange = pendingRange.lowerBound + count..<pendingRange.upperBound
        }
    }

    private mutating func readCode() throws(VolumeError) -> Int {
        while bitCount < codeSize {
            if used == part.count {
                part = try input.nextPart()
                used = 0
                guard !part.isEmpty else { throw input.isCorrupt() }
            }
            bits = bits << 8 | UInt32(part[used])
            bitCount += 8
            used += 1
        }
        bitCount -= codeSize
        return Int(bits >> UInt32(bitCount)) & (1 << codeSize - 1)
    }

    /// Puts the string of the next code into `pending`.
    private mutating func decodeString() throws(VolumeError) {
        var code = try readCode()
        while code == Self.clear {
            codeSize = 9
            nextCode = 258
            previous = nil
            code = try readCode()
        }
        guard code != Self.end else { throw input.isCorrupt() }
        guard let previous else {
            // The first code after a clear code stands for a single byte.
            guard code < Self.clear else { throw input.isCorrupt() }
            expand(code)
            self.previous = code
            return
        }
        guard code < nextCode || code == nextCode && nextCode < Self.tableSize else { throw input.isCorrupt() }
        // The code that this step defines may be used at once: its string is the previous one and its own first byte.
        let isNew = code == nextCode
        expand(isNew ? previous : code)
        if nextCode < Self.tableSize {
            prefixes[nextCode] = UInt16(truncatingIfNeeded: previous)
            lastBytes[nextCode] = pending[0]
            lengths[nextCode] = lengths[previous] + 1
            nextCode += 1
            // TIFF makes its codes wider one code earlier than other kinds of LZW.
            if nextCode + 1 >= 1 << codeSize && codeSize < 12 { codeSize += 1 }
        }
        if isNew { expand(code) }
        self.previous = code
    }

    /// Puts the string of a known code into `pending`.
    private mutating func expand(_ code: Int) {
        let length = Int(lengths[code])
        var code = code
        for index in stride(from: length - 1, through: 0, by: -1) {
            pending[index] = lastBytes[code]
            code = Int(prefixes[code])
        }
        pendingRange = 0..<length
    }
}

/// Compression 8 and 32946: a zlib stream (RFC 1950).
struct TIFFDeflateDecoder: TIFFSegmentDecoder {
    private var input: TIFFSegmentInput
    private var part: [UInt8] = []
    private var used = 0
    private let inflate: Inflate

    init(_ input: TIFFSegmentInput) throws(VolumeError) {
        self.input = input
        guard let inflate = Inflate(.zlib) else { throw .noMemoryToInflate(path: input.source.path) }
        self.inflate = inflate
    }

    mutating func decode(into buffer: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        var filled = 0
        while filled < buffer.count {
            if used == part.count {
                part = try input.nextPart()
                used = 0
                guard !part.isEmpty else { throw input.isCorrupt() }
            }
            let progress = part.withUnsafeBytes { part in
                inflate.decode(
                    UnsafeRawBufferPointer(rebasing: part[used...]),
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            used += progress.consumed
            filled += progress.produced
            switch progress.status {
            case .ended where filled == buffer.count: break
            case .unfinished where progress.consumed + progress.produced > 0: break
            case .outOfMemory: throw .noMemoryToInflate(path: input.source.path)
            default: throw input.isCorrupt()
            }
        }
    }
}

/// Reverses the predictor: the differences that replaced the values of a row before compression. Works in place.
enum TIFFPredictor {
    /// Predictor 2 (TIFF 6.0 section 14): each value was replaced by its difference from the previous one.
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

    /// Predictor 3 (Adobe Photoshop TIFF technical note 3): the row was stored as planes, first the most significant bytes
    /// of all values, then the next ones, whatever the byte order of the file. Then each byte was replaced by its difference
    /// from the previous one. Afterwards, `row` holds little-endian values of `size` bytes.
    static func joinFloatBytes(_ row: UnsafeMutableRawBufferPointer, valueSize size: Int) {
        accumulate(row, valueSize: 1)
        let planes = [UInt8](row)
        let count = row.count / size
        for index in 0..<count {
            for place in 0..<size { row[index * size + size - 1 - place] = planes[place * count + index] }
        }
    }
}
