/// Compression 5: LZW as TIFF 6.0 section 13 has it, codes of 9 to 12 bits, the first bit highest.
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

    // The string of a code is the string of its prefix and one more byte.
    private var prefixes = [UInt16](repeating: 0, count: tableSize)
    private var lastBytes = (0..<tableSize).map { UInt8(truncatingIfNeeded: $0) }
    private var lengths = [UInt16](repeating: 1, count: tableSize)
    private var nextCode = 258
    private var previous: Int?

    /// The string of the code before, and how much of it was given out.
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
            // The first code after a clearing is a byte.
            guard code < Self.clear else { throw input.isCorrupt() }
            expand(code)
            self.previous = code
            return
        }
        guard code < nextCode || code == nextCode && nextCode < Self.tableSize else { throw input.isCorrupt() }
        // A code that is just about to be defined is the string before with its own first byte behind it.
        let isNew = code == nextCode
        expand(isNew ? previous : code)
        if nextCode < Self.tableSize {
            prefixes[nextCode] = UInt16(truncatingIfNeeded: previous)
            lastBytes[nextCode] = pending[0]
            lengths[nextCode] = lengths[previous] + 1
            nextCode += 1
            // TIFF widens its codes one code early.
            if nextCode + 1 >= 1 << codeSize && codeSize < 12 { codeSize += 1 }
        }
        if isNew { expand(code) }
        self.previous = code
    }

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
