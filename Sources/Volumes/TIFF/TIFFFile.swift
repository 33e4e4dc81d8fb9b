import Basics

/// A TIFF or BigTIFF file: its byte order, the size of its offsets, its list of page directories, and integers at offsets.
struct TIFFFile: Sendable {
    let source: FileSource
    let isLittleEndian: Bool
    /// Whether it is a BigTIFF file, whose offsets have eight bytes.
    let isBig: Bool

    var path: String { source.path }
    var size: Int { source.size }
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
            throw VolumeError(.malformed, "is not a TIFF file; copy it again, or give another file", path: path)
        }
        (isLittleEndian, isBig) = format
    }

    /// All page directories in the order of the file.
    ///
    /// - Throws: ``VolumeError`` where the list ends early, forms a circle, or has more than 131,072 pages.
    func directories() throws(VolumeError) -> [TIFFDirectory] {
        guard var offset = try offset(at: isBig ? 8 : 4) else { throw endsEarly(in: "its header") }
        var directories: [TIFFDirectory] = []
        var seen: Set<Int> = []
        while offset != 0 {
            guard seen.insert(offset).inserted else {
                throw VolumeError(
                    .malformed, "has pages that follow each other in a circle; the file is damaged, copy it again", path: path)
            }
            guard directories.count < Self.pageLimit else {
                throw VolumeError(.tooLarge, "has more than \(Self.pageLimit) pages; save it as several files", path: path)
            }
            let directory = try TIFFDirectory(file: self, at: offset)
            directories.append(directory)
            offset = directory.next
        }
        return directories
    }

    private static let pageLimit = 1 << 17

    /// The unsigned integer of 1, 2, 4 or 8 bytes at an offset; nil where it lies outside of the file or exceeds `Int`.
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

    /// The offset or count that is stored at an offset: 4 bytes in TIFF, 8 in BigTIFF.
    func offset(at offset: Int) throws(VolumeError) -> Int? { try integer(at: offset, size: offsetSize) }

    func endsEarly(in part: String) -> VolumeError {
        VolumeError(.truncated, "ends within \(part), or is damaged; copy it again", path: path)
    }
}

/// One image file directory: the tags of a page. The values stay in the file until they are asked for.
struct TIFFDirectory {
    /// Where the values of a tag are. They lie inside the file: `init` checks it.
    struct Field {
        let type: UInt16
        let count: Int
        let offset: Int
        let valueSize: Int
    }

    /// More tags than any program writes.
    private static let fieldLimit = 4096

    private let file: TIFFFile
    private var fields: [UInt16: Field] = [:]
    /// The offset of the next directory; 0 for the last one.
    let next: Int

    /// - Throws: ``VolumeError`` where the directory or the values of a tag do not lie in the file, or it has too many tags.
    init(file: TIFFFile, at offset: Int) throws(VolumeError) {
        self.file = file
        let countSize = file.isBig ? 8 : 2
        let fieldSize = file.isBig ? 20 : 12
        guard let count = try file.integer(at: offset, size: countSize) else { throw file.endsEarly(in: "its list of pages") }
        guard count <= Self.fieldLimit else {
            throw VolumeError(.malformed, "has a page with \(count) tags; the file is damaged, copy it again", path: file.path)
        }
        let start = offset + countSize
        let bytes = EndianBytes(
            bytes: try file.source.bytes(at: start, count: count * fieldSize), isLittleEndian: file.isLittleEndian)
        guard bytes.bytes.count == count * fieldSize, let next = try file.offset(at: start + count * fieldSize) else {
            throw file.endsEarly(in: "its list of pages")
        }
        self.next = next
        for index in 0..<count {
            let entry = index * fieldSize
            guard let tag: UInt16 = bytes.integer(at: entry), let type: UInt16 = bytes.integer(at: entry + 2),
                let size = TIFFFieldType.size(type), TIFFTag(rawValue: tag) != nil,
                let valueCount = TIFFFile.integer(bytes, at: entry + 4, size: file.offsetSize)
            else { continue }
            let (length, overflows) = valueCount.multipliedReportingOverflow(by: size)
            guard !overflows, length <= file.size else { throw file.endsEarly(in: "the values of tag \(tag)") }
            // Values that fit into the field of their offset are stored in that field.
            let inline = entry + 4 + file.offsetSize
            let position =
                length <= file.offsetSize
                ? start + inline : TIFFFile.integer(bytes, at: inline, size: file.offsetSize) ?? file.size
            guard position <= file.size - length else { throw file.endsEarly(in: "the values of tag \(tag)") }
            fields[tag] = Field(type: type, count: valueCount, offset: position, valueSize: size)
        }
    }

    func field(_ tag: TIFFTag) -> Field? { fields[tag.rawValue] }

    /// The first value of an integer tag; nil where the tag is absent.
    func integer(_ tag: TIFFTag) throws(VolumeError) -> Int? {
        guard let field = field(tag), field.count > 0 else { return nil }
        return try file.integer(at: field.offset, size: field.valueSize)
    }

    /// The first value of a tag of type RATIONAL; nil where the tag is absent or of another type, or the denominator is 0.
    func rational(_ tag: TIFFTag) throws(VolumeError) -> Double? {
        guard let field = field(tag), field.type == TIFFFieldType.rational, field.count > 0,
            let numerator = try file.integer(at: field.offset, size: 4),
            let denominator = try file.integer(at: field.offset + 4, size: 4), denominator != 0
        else { return nil }
        return Double(numerator) / Double(denominator)
    }

    /// The text of a tag, at most its first 64 KiB; empty where the tag is absent.
    func text(_ tag: TIFFTag) throws(VolumeError) -> String {
        guard let field = field(tag) else { return "" }
        let bytes = try file.source.bytes(at: field.offset, count: min(field.count * field.valueSize, 64 << 10))
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
