import Basics
import Catalog
import Foundation
import Volumes

/// A table of tomograms (CSV): a column `path`, and perhaps `name`, `dataset` and `voxel_size` (Å); every other column is metadata.
///
/// Cells may be quoted, and then hold commas, line ends and doubled quotes (RFC 4180). Paths are relative to the table's folder. An empty
/// cell says nothing.
struct TomogramManifest {
    /// The largest table that is read, in bytes.
    private static let byteLimit = 64 << 20

    private enum Column: String {
        case path, name, dataset
        case voxelSize = "voxel_size"
    }

    let path: String

    /// The rows as candidates; those that are wrong as refusals with the number of their line.
    ///
    /// - Throws: `CatalogError` where the table cannot be read, or its first line is none of a table of tomograms.
    func read() throws -> FoundTomograms {
        try read(SmallDocument.text(path, limit: Self.byteLimit))
    }

    /// - Parameter text: of the table.
    func read(_ text: String) throws(CatalogError) -> FoundTomograms {
        var rows = CSVRows(text)
        let titles: [String]
        do throws(CSVRows.Fault) {
            guard let first = try rows.next() else {
                throw CSVRows.Fault(line: 1, message: "the table is empty; write a line of columns, one of them path")
            }
            titles = first.cells.map { $0.trimmingCharacters(in: .whitespaces) }
        } catch {
            throw CatalogError(.invalid, "\(path), line \(error.line): \(error.message)")
        }
        guard titles.contains(Column.path.rawValue) else {
            throw CatalogError(
                .invalid,
                "\(path), line 1: the columns are \(titles.joined(separator: ", ")), and none is path; the first line names them, with "
                    + "commas between")
        }
        if let twice = titles.first(where: { title in titles.count { $0 == title } > 1 }) {
            throw CatalogError(.invalid, "\(path), line 1: the column \"\(twice)\" is there twice; name each column once")
        }
        guard !titles.contains("") else {
            throw CatalogError(
                .invalid,
                "\(path), line 1: a column has no name; every column that is not path, name, dataset or "
                    + "voxel_size is metadata, and needs one")
        }
        var found = FoundTomograms()
        while true {
            do throws(CSVRows.Fault) {
                guard let row = try rows.next() else { break }
                if row.cells.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) { continue }
                found.candidates.append(try candidate(row, titles))
            } catch {
                found.refusals.append("\(path), line \(error.line): \(error.message)")
                if error.isFinal { break }
            }
        }
        return found
    }

    private func candidate(_ row: CSVRows.Row, _ titles: [String]) throws(CSVRows.Fault) -> TomogramCandidate {
        func fault(_ message: String) -> CSVRows.Fault { CSVRows.Fault(line: row.line, message: message) }
        guard row.cells.count == titles.count else {
            throw fault("it has \(row.cells.count) cells, and the table \(titles.count) columns; quote cells that hold commas")
        }
        var values: [String: String] = [:]
        for (title, cell) in zip(titles, row.cells) {
            let value = cell.trimmingCharacters(in: .whitespaces)
            if !value.isEmpty { values[title] = value }
        }
        func take(_ column: Column) -> String? { values.removeValue(forKey: column.rawValue) }
        guard let file = take(.path) else { throw fault("it has no path; write one in each line") }
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        let absolute = file.hasPrefix("/") ? file : folder.appending(path: file).standardizedFileURL.path
        var candidate = TomogramCandidate(absolute, label: "\(path), line \(row.line) (\(file))")
        candidate.name = take(.name)
        candidate.dataset = take(.dataset)
        if let text = take(.voxelSize) {
            guard let size = Double(text).flatMap({ VoxelSize(cubicInAngstroms: $0) }) else {
                throw fault("\"\(text)\" is no voxel size: it is a length in Å, from 0.01 to 10000")
            }
            candidate.userVoxelSize = size
        }
        candidate.metadata = values
        return candidate
    }
}

/// The rows of a text of comma-separated cells (RFC 4180), with the numbers of their lines.
struct CSVRows {
    struct Row {
        /// Of its beginning, from 1.
        let line: Int
        let cells: [String]
    }

    /// What is wrong with a row.
    struct Fault: Error {
        let line: Int
        let message: String
        /// Whether no row can be read after it.
        var isFinal = false
    }

    private let bytes: [UInt8]
    private var index = 0
    private var line = 1

    /// - Parameter text: a byte order mark at its beginning is left out.
    init(_ text: String) {
        let bytes = Array(text.utf8)
        self.bytes = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? Array(bytes.dropFirst(3)) : bytes
    }

    /// The next row; nil after the last. A line end after the last row begins no other.
    mutating func next() throws(Fault) -> Row? {
        guard index < bytes.count else { return nil }
        let first = line
        var cells: [String] = []
        while true {
            cells.append(try cell())
            guard index < bytes.count else { break }
            let separator = bytes[index]
            index += 1
            if separator == UInt8(ascii: ",") {
                // A comma at the very end of the text has an empty cell behind it.
                if index == bytes.count {
                    cells.append("")
                    break
                }
                continue
            }
            if separator == UInt8(ascii: "\r"), index < bytes.count, bytes[index] == UInt8(ascii: "\n") { index += 1 }
            line += 1
            break
        }
        return Row(line: first, cells: cells)
    }

    /// Reads a cell up to the comma or line end behind it.
    private mutating func cell() throws(Fault) -> String {
        var cell: [UInt8] = []
        if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
            let first = line
            index += 1
            while true {
                guard index < bytes.count else {
                    throw Fault(line: first, message: "a quoted cell has no end; write a quote within one twice", isFinal: true)
                }
                let byte = bytes[index]
                index += 1
                if byte == UInt8(ascii: "\"") {
                    guard index < bytes.count, bytes[index] == byte else { break }
                    index += 1
                } else if byte == UInt8(ascii: "\n") {
                    line += 1
                }
                cell.append(byte)
            }
        }
        while index < bytes.count, ![UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(bytes[index]) {
            cell.append(bytes[index])
            index += 1
        }
        return String(decoding: cell, as: UTF8.self)
    }
}
