import CellarKit
import Foundation

/// Prints rows in one of the formats. Only the table format holds rows back: a column is as wide as its widest value.
struct RowPrinter {
    private let format: OutputFormat
    private let columns: [String]
    private var rows: [[QueryValue]] = []
    private var count = 0
    private let encoder: JSONEncoder

    init(_ format: OutputFormat, columns: [String]) {
        self.format = format
        self.columns = columns
        encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        switch format {
        case .csv: print(columns.map(Self.csv).joined(separator: ","))
        case .json: print("[", terminator: "")
        case .table, .ndjson: break
        }
    }

    mutating func add(_ row: [QueryValue]) {
        switch format {
        case .table: rows.append(row)
        case .csv: print(row.map { Self.csv($0.plainText) }.joined(separator: ","))
        case .json: print(count == 0 ? "\n\(object(row))" : ",\n\(object(row))", terminator: "")
        case .ndjson: print(object(row))
        }
        count += 1
    }

    func finish() {
        switch format {
        case .table: printTable()
        case .json: print(count == 0 ? "]" : "\n]")
        case .csv, .ndjson: break
        }
    }

    private func printTable() {
        let texts = rows.map { $0.map(\.tableText) }
        var widths = columns.map(\.count)
        for row in texts { for (index, text) in row.enumerated() { widths[index] = max(widths[index], text.count) } }
        // Numbers stand to the right, so that their digits do.
        let isNumeric = columns.indices.map { index in
            !rows.isEmpty && rows.allSatisfy { $0[index].isNumber || $0[index] == .null }
        }
        func line(_ cells: [String]) -> String {
            let padded = cells.enumerated().map { index, cell in
                let space = String(repeating: " ", count: widths[index] - cell.count)
                return isNumeric[index] ? space + cell : cell + space
            }
            return padded.joined(separator: "  ").replacing(/\s+$/, with: "")
        }
        print(Terminal.output.bold(line(columns)))
        for row in texts { print(line(row)) }
    }

    /// JSON by hand around values by Foundation: an encoder of dictionaries would lose the order of the columns.
    private func object(_ row: [QueryValue]) -> String {
        "{" + zip(columns, row).map { "\(json($0)): \(json($1))" }.joined(separator: ", ") + "}"
    }

    private func json(_ text: String) -> String {
        (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }

    private func json(_ value: QueryValue) -> String {
        switch value {
        case .null: "null"
        case .integer(let integer): "\(integer)"
        case .real(let real): real.isFinite ? "\(real)" : "null"
        case .text(let text): json(text)
        case .blob: json(value.plainText)
        }
    }

    private static func csv(_ text: String) -> String {
        text.contains { ",\"\n\r".contains($0) } ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
}

extension QueryValue {
    var isNumber: Bool {
        switch self {
        case .integer, .real: true
        case .null, .text, .blob: false
        }
    }

    /// As many digits as people read.
    var tableText: String {
        if case .real(let real) = self {
            return real.formatted(
                .number.precision(.significantDigits(1...6)).grouping(.never).locale(Locale(identifier: "en_US_POSIX")))
        }
        return plainText.replacing("\n", with: " ")
    }
}
