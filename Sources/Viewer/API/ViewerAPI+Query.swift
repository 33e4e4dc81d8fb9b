import Basics
import Catalog
import CellarKit

/// SQL that people write, as `cellar query` takes it: read-only, over the public views, at most 60 s.
extension ViewerAPI {
    /// What a query gave.
    package struct QueryAnswer: Encodable, Sendable {
        package var columns: [String]
        package var rows: [[JSONCell]]
        /// Whether there are more rows than these.
        package var truncated: Bool
    }

    /// The most rows, and about the most bytes, of an answer in memory.
    static let (queryRowLimit, queryByteLimit) = (10_000, 8 << 20)
    /// The most rows, and about the most bytes, of an answer as text.
    static let (textRowLimit, textByteLimit) = (1_000_000, 32 << 20)

    private struct Enough: Error {}

    /// Runs one SELECT.
    ///
    /// - Parameter limit: the most rows, up to 10,000. An answer ends as well where it has 8 MiB.
    /// - Throws: ``CatalogError`` where the SQL is wrong or does anything but read.
    package func query(_ sql: String, limit: Int = 1000) throws -> QueryAnswer {
        guard (0...Self.queryRowLimit).contains(limit) else {
            throw ViewerError(.invalid, "limit is \(limit); give 0 to \(Self.queryRowLimit)")
        }
        var answer = QueryAnswer(columns: [], rows: [], truncated: false)
        var bytes = 0
        answer.truncated = try stream(sql) {
            answer.columns = $0
        } row: { row in
            let cells = row.map(JSONCell.init)
            bytes += cells.reduce(0) { $0 + $1.byteCount }
            guard answer.rows.count < limit, bytes <= Self.queryByteLimit else { return false }
            answer.rows.append(cells)
            return true
        }
        return answer
    }

    /// The forms of an answer as text.
    package enum TextFormat: String, Sendable { case json, csv }

    /// Runs one SELECT, and writes the rows as they are found: memory holds the text alone.
    ///
    /// - Parameter limit: the most rows, up to a million. An answer ends as well where it has 32 MiB.
    /// - Returns: the text: CSV, or the JSON of ``QueryAnswer``; and whether there are more rows than these.
    /// - Throws: ``CatalogError`` where the SQL is wrong or does anything but read.
    package func query(_ sql: String, as format: TextFormat, limit: Int) throws -> (text: [UInt8], truncated: Bool) {
        guard (0...Self.textRowLimit).contains(limit) else {
            throw ViewerError(.invalid, "limit is \(limit); give 0 to \(Self.textRowLimit)")
        }
        var writer = RowWriter(format)
        var count = 0
        let truncated = try stream(sql) {
            writer.begin($0)
        } row: { row in
            let size = row.reduce(0) { $0 + JSONCell($1).byteCount }
            guard count < limit, writer.bytes.count + size <= Self.textByteLimit else { return false }
            writer.append(row, isFirst: count == 0)
            count += 1
            return true
        }
        writer.end(truncated: truncated)
        return (writer.bytes, truncated)
    }

    /// Calls closures with the columns and each row, until one says that it is enough.
    ///
    /// - Returns: whether it was enough before the rows ended.
    private func stream(
        _ sql: String, columns: ([String]) -> Void, row: ([QueryValue]) throws -> Bool
    ) throws -> Bool {
        do {
            try QueryConnection(project.catalog, timeLimitInSeconds: Self.querySeconds).run(sql, columns: columns) {
                guard try row($0) else { throw Enough() }
            }
            return false
        } catch is Enough {
            return true
        }
    }
}

/// Writes rows as text, one after the other.
private struct RowWriter {
    private let format: ViewerAPI.TextFormat
    private(set) var bytes: [UInt8] = []

    init(_ format: ViewerAPI.TextFormat) { self.format = format }

    mutating func begin(_ columns: [String]) {
        switch format {
        case .csv: appendLine(columns)
        case .json:
            bytes += "{\"columns\":[".utf8
            for (index, column) in columns.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendJSON(column)
            }
            bytes += "],\"rows\":[".utf8
        }
    }

    mutating func append(_ row: [QueryValue], isFirst: Bool) {
        guard format == .json else { return appendLine(row.map(\.plainText)) }
        bytes += (isFirst ? "[" : ",[").utf8
        for (index, value) in row.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch value {
            case .integer(let integer): bytes += "\(integer)".utf8
            case .real(let real) where real.isFinite: bytes += "\(real)".utf8
            case .null, .real: bytes += "null".utf8
            case .text(let text): appendJSON(text)
            case .blob: appendJSON(value.plainText)
            }
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func end(truncated: Bool) {
        if format == .json { bytes += "],\"truncated\":\(truncated)}".utf8 }
    }

    private mutating func appendLine(_ fields: [String]) {
        for (index, field) in fields.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if field.utf8.contains(where: { ",\"\n\r".utf8.contains($0) }) {
                bytes += "\"\(field.replacing("\"", with: "\"\""))\"".utf8
            } else {
                bytes += field.utf8
            }
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func appendJSON(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<32:
                let digits = String(byte, radix: 16)
                bytes += "\\u\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)".utf8
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
