import Basics

/// One image file directory: the tags of a page, with their values left in the file.
struct TIFFDirectory {
    /// Where the values of a tag are. Checked: they lie in the file.
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
    /// The offset of the next directory, or 0.
    let next: Int

    init(file: TIFFFile, at offset: Int) throws(VolumeError) {
        self.file = file
        let countSize = file.isBig ? 8 : 2
        let fieldSize = file.isBig ? 20 : 12
        guard let count = try file.integer(at: offset, size: countSize) else { throw file.endsEarly(in: "its list of pages") }
        guard count <= Self.fieldLimit else {
            throw VolumeError(.malformed, "has a page with \(count) tags; the file is damaged", path: file.path)
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
            // Values that fit the place of their offset stand there themselves.
            let inline = entry + 4 + file.offsetSize
            let position =
                length <= file.offsetSize
                ? start + inline : TIFFFile.integer(bytes, at: inline, size: file.offsetSize) ?? file.size
            guard position <= file.size - length else { throw file.endsEarly(in: "the values of tag \(tag)") }
            fields[tag] = Field(type: type, count: valueCount, offset: position, valueSize: size)
        }
    }

    func field(_ tag: TIFFTag) -> Field? { fields[tag.rawValue] }

    /// The first value of an integer tag; nil where it is absent.
    func integer(_ tag: TIFFTag) throws(VolumeError) -> Int? {
        guard let field = field(tag), field.count > 0 else { return nil }
        return try file.integer(at: field.offset, size: field.valueSize)
    }

    /// A tag of type RATIONAL, where it is one and finite.
    func rational(_ tag: TIFFTag) throws(VolumeError) -> Double? {
        guard let field = field(tag), field.type == TIFFFieldType.rational, field.count > 0,
            let numerator = try file.integer(at: field.offset, size: 4),
            let denominator = try file.integer(at: field.offset + 4, size: 4), denominator != 0
        else { return nil }
        return Double(numerator) / Double(denominator)
    }

    /// The text of a tag, up to 64 KiB of it.
    func text(_ tag: TIFFTag) throws(VolumeError) -> String {
        guard let field = field(tag) else { return "" }
        let bytes = try file.source.bytes(at: field.offset, count: min(field.count * field.valueSize, 64 << 10))
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
