import Basics

/// The central directory of a ZIP archive. Entries must be stored without compression, as torch writes them.
///
/// ```
/// ├ header, entry ┼ … ┼ header, entry ┼ directory ┼ end, 64 bits (optional) ┼ end ┤
/// ```
///
/// Format: PKWARE, *APPNOTE.TXT*, sections 4.3.7, 4.3.12 to 4.3.16.
struct ZipDirectory {
    private struct Entry {
        let headerOffset: Int
        let byteCount: Int
        let isStored: Bool
    }

    private let file: MappedFile
    private let start: Int
    private let entries: [String: Entry]

    /// The longest directory that is read, in bytes. A network's takes some 100 bytes for each tensor.
    private static let byteCountLimit = 16 << 20

    /// The names of all entries, sorted.
    var names: [String] { entries.keys.sorted() }

    /// Reads the directory.
    ///
    /// - Throws: ``CheckpointError`` if the file is cut, is no archive, or names an entry twice.
    init(_ file: MappedFile) throws(CheckpointError) {
        self.file = file
        let range = try Self.findDirectory(of: file)
        start = range.lowerBound
        var entries: [String: Entry] = [:]
        var cursor = FileCursor(file, in: range)
        while cursor.position < range.upperBound {
            let record = LittleEndianBytes(try cursor.bytes(46))
            guard record.number(at: 0, 4) == 0x0201_4B50 else {
                throw Self.malformed("its directory is no directory at byte \(cursor.position - 46)", file)
            }
            let name = String(decoding: try cursor.bytes(record.number(at: 28, 2)), as: UTF8.self)
            let extra = LittleEndianBytes(try cursor.bytes(record.number(at: 30, 2)))
            _ = try cursor.bytes(record.number(at: 32, 2))
            // A number that does not fit 32 bits is 0xFFFFFFFF here, and its true value is in the ZIP64 extra field (tag 1). That
            // field holds the true values in this order: uncompressed size, compressed size, offset; only those that are needed.
            var wide = extra.field(1)
            func number(at offset: Int) throws(CheckpointError) -> Int {
                let number = record.number(at: offset, 4)
                guard number == 0xFFFF_FFFF else { return number }
                guard wide.count >= 8, let number = Int(exactly: LittleEndianBytes(Array(wide.prefix(8))).wideNumber(at: 0))
                else {
                    throw Self.malformed("the entry \(CheckpointError.quoted(name)) has no size", file)
                }
                wide.removeFirst(8)
                return number
            }
            let (uncompressed, compressed) = (try number(at: 24), try number(at: 20))
            let isStored = record.number(at: 10, 2) == 0 && record.number(at: 8, 2) & 1 == 0 && compressed == uncompressed
            let entry = Entry(headerOffset: try number(at: 42), byteCount: compressed, isStored: isStored)
            guard entries.updateValue(entry, forKey: name) == nil else {
                throw Self.malformed("it holds \(CheckpointError.quoted(name)) twice", file)
            }
        }
        self.entries = entries
    }

    /// The byte range of an entry's content in the file; nil if there is no entry of that name.
    ///
    /// - Throws: ``CheckpointError`` if the content is compressed or encrypted, or does not lie in the file before the directory.
    func range(of name: String) throws(CheckpointError) -> Range<Int>? {
        guard let entry = entries[name] else { return nil }
        let title = CheckpointError.quoted(name)
        guard entry.isStored else {
            throw CheckpointError(
                .unsupported, "holds the compressed or encrypted entry \(title), and torch writes none: get the original file",
                path: file.path)
        }
        guard entry.headerOffset >= 0, entry.headerOffset <= start - 30 else {
            throw Self.malformed("\(title) lies outside", file)
        }
        let header = LittleEndianBytes(try file.bytes(in: entry.headerOffset..<entry.headerOffset + 30))
        let first = entry.headerOffset + 30 + header.number(at: 26, 2) + header.number(at: 28, 2)
        guard header.number(at: 0, 4) == 0x0403_4B50, first <= start, entry.byteCount <= start - first else {
            throw Self.malformed("\(title) does not lie before the directory", file)
        }
        return first..<first + entry.byteCount
    }

    /// The byte range of the directory, from the end record, or from the 64-bit end record if there is one.
    private static func findDirectory(of file: MappedFile) throws(CheckpointError) -> Range<Int> {
        // The record has 22 bytes, and a comment of up to 65,535 bytes may follow it.
        let tailStart = max(file.byteCount - 22 - 65_535, 0)
        let tail = LittleEndianBytes(try file.bytes(in: tailStart..<file.byteCount))
        let found = stride(from: tail.count - 22, through: 0, by: -1).first { offset in
            tail.number(at: offset, 4) == 0x0605_4B50 && tail.number(at: offset + 20, 2) == tail.count - offset - 22
        }
        guard let found else {
            throw CheckpointError(
                .truncated, "is a PyTorch file whose end is missing: copy or download it again", path: file.path)
        }
        var end = tailStart + found
        var (offset, count) = (tail.number(at: found + 16, 4), tail.number(at: found + 12, 4))
        if end >= 20, LittleEndianBytes(try file.bytes(in: end - 20..<end)).number(at: 0, 4) == 0x0706_4B50 {
            let locator = LittleEndianBytes(try file.bytes(in: end - 20..<end))
            guard let record = Int(exactly: locator.wideNumber(at: 8)), end >= 76, record <= end - 76 else {
                throw malformed("its directory cannot be found", file)
            }
            let wide = LittleEndianBytes(try file.bytes(in: record..<record + 56))
            guard wide.number(at: 0, 4) == 0x0606_4B50, let wideCount = Int(exactly: wide.wideNumber(at: 40)),
                let wideOffset = Int(exactly: wide.wideNumber(at: 48))
            else { throw malformed("its directory cannot be found", file) }
            (offset, count, end) = (wideOffset, wideCount, record)
        }
        guard offset <= end, count <= end - offset else { throw malformed("its directory lies outside", file) }
        guard count <= byteCountLimit else { throw malformed("its directory has \(count) bytes", file) }
        return offset..<offset + count
    }

    private static func malformed(_ what: String, _ file: MappedFile) -> CheckpointError {
        CheckpointError(.malformed, "is a damaged PyTorch file, \(what): get it again", path: file.path)
    }
}

/// Bytes that hold little-endian unsigned numbers at known offsets.
private struct LittleEndianBytes {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var count: Int { bytes.count }

    /// A number of `count` bytes, at most four.
    ///
    /// - Precondition: these bytes exist.
    func number(at offset: Int, _ count: Int) -> Int {
        (0..<count).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    /// A number of eight bytes.
    ///
    /// - Precondition: these bytes exist.
    func wideNumber(at offset: Int) -> UInt64 {
        (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }

    /// The content of the first extra field with this tag; empty if there is none.
    func field(_ tag: Int) -> [UInt8] {
        var offset = 0
        while offset + 4 <= bytes.count {
            let end = offset + 4 + number(at: offset + 2, 2)
            guard end <= bytes.count else { break }
            if number(at: offset, 2) == tag { return Array(bytes[offset + 4..<end]) }
            offset = end
        }
        return []
    }
}
