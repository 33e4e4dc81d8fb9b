import Basics

/// A TIFF or BigTIFF file: byte order, the size of its offsets, and numbers at offsets.
struct TIFFFile: Sendable {
    let source: FileSource
    let isLittleEndian: Bool
    /// BigTIFF, whose offsets have eight bytes.
    let isBig: Bool

    var path: String { source.path }
    var size: Int { source.byteCountLimit }
    var offsetSize: Int { isBig ? 8 : 4 }

    /// Whether the first bytes of a file are those of TIFF or BigTIFF.
    static func isTIFF(_ start: [UInt8]) -> Bool { format(start) != nil }

    private static func format(_ start: [UInt8]) -> (isLittleEndian: Bool, isBig: Bool)? {
        switch start.prefix(4) {
        case [0x49, 0x49, 42, 0]: (true, false)
        case [0x4d, 0x4d, 0, 42]: (false, false)
        case [0x49, 0x49, 43, 0]: (true, true)
        case [0x4d, 0x4d, 0, 43]: (false, true)
        default: nil
        }
    }

    init(path: String) throws(VolumeError) {
        source = try FileSource(path: path)
        guard let format = Self.format(try source.bytes(at: 0, count: 4)) else {
            throw VolumeError(.malformed, "is not a TIFF file: its first bytes are others", path: path)
        }
        (isLittleEndian, isBig) = format
    }

    /// All directories from the first on.
    func directories() throws(VolumeError) -> [TIFFDirectory] {
        guard var offset = try offset(at: isBig ? 8 : 4) else { throw endsEarly(in: "its header") }
        var directories: [TIFFDirectory] = []
        var seen: Set<Int> = []
        while offset != 0 {
            guard seen.insert(offset).inserted else {
                throw VolumeError(.malformed, "has pages that follow each other in a circle; the file is damaged", path: path)
            }
            guard directories.count < Self.pageLimit else {
                throw VolumeError(.tooLarge, "has more than \(Self.pageLimit) pages", path: path)
            }
            let directory = try TIFFDirectory(file: self, at: offset)
            directories.append(directory)
            offset = directory.next
        }
        return directories
    }

    private static let pageLimit = 1 << 17

    /// The unsigned integer of 1, 2, 4 or 8 bytes at an offset; nil where it does not lie in the file, or is too large.
    func integer(at offset: Int, size: Int) throws(VolumeError) -> Int? {
        guard offset >= 0, offset <= self.size - size else { return nil }
        let bytes = EndianBytes(bytes: try source.bytes(at: offset, count: size), isLittleEndian: isLittleEndian)
        return Self.integer(bytes, at: 0, size: size)
    }

    static func integer(_ bytes: EndianBytes, at offset: Int, size: Int) -> Int? {
        switch size {
        case 1: bytes.integer(at: offset, as: UInt8.self).map(Int.init)
        case 2: bytes.integer(at: offset, as: UInt16.self).map(Int.init)
        case 4: bytes.integer(at: offset, as: UInt32.self).map(Int.init)
        case 8: bytes.integer(at: offset, as: UInt64.self).flatMap(Int.init(exactly:))
        default: nil
        }
    }

    /// The offset or count, of the size that the kind of file gives them, at an offset.
    func offset(at offset: Int) throws(VolumeError) -> Int? { try integer(at: offset, size: offsetSize) }

    func endsEarly(in part: String) -> VolumeError {
        VolumeError(.truncated, "ends within \(part), or is damaged; copy it again", path: path)
    }
}
