public import Foundation
public import Testing

/// A file that tests compare with: what a named script made with a named version of another program, in the folder `Golden/data`
/// of a test target, or a file of the repository that follows from the code.
public struct GoldenFile: Sendable {
    public let path: String

    /// A file, or a folder, of a test target.
    ///
    /// - Parameter name: its path in `Golden/data`.
    /// - Throws: a failure of the test where it is not there.
    public init(_ name: String, in bundle: Bundle) throws {
        path = try #require(bundle.url(forResource: "data/\(name)", withExtension: nil), "no golden file \(name)").path
    }

    /// A file of the repository, such as `Schema/schema.sql`.
    public init(repository name: String) { path = Repository.file(name) }

    public func bytes() throws -> [UInt8] { try Array(Data(contentsOf: URL(fileURLWithPath: path))) }

    public func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// Float32 values, little-endian.
    public func floats() throws -> [Float] {
        let bytes = try bytes()
        return bytes.withUnsafeBytes { raw in
            stride(from: 0, through: bytes.count - 4, by: 4).map { offset in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
            }
        }
    }

    /// The rows of a table of comma-separated fields, whose first line names the columns.
    public func rows() throws -> [GoldenRow] {
        let lines = try text().split(separator: "\n").map { line in
            line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let columns = try #require(lines.first, "\(path) is empty")
        return lines.dropFirst().map { GoldenRow(columns: columns, fields: $0) }
    }

    /// Expects that the file holds a text that follows from the code. Where the environment has `CELLAR_RECORD=1`, the text is
    /// written first, and the test fails, so that no recording passes for a comparison.
    ///
    /// - Parameter command: what records the file: `make schema`.
    public func expect(_ text: String, recordedBy command: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        if ProcessInfo.processInfo.environment["CELLAR_RECORD"] == "1" {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            Issue.record("recorded \(path): look at the difference and commit it", sourceLocation: sourceLocation)
        }
        let (committed, current) = (try lines(of: self.text()), lines(of: text))
        guard committed != current else { return }
        let place = zip(committed, current).enumerated().first { $1.0 != $1.1 }?.offset ?? min(committed.count, current.count)
        func line(_ lines: [Substring]) -> Substring { place < lines.count ? lines[place] : "(nothing)" }
        Issue.record(
            """
            \(path) is not what the code says; `\(command)` writes it anew. Line \(place + 1) there:
            \(line(committed))
            and by the code:
            \(line(current))
            """, sourceLocation: sourceLocation)
    }

    private func lines(of text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
}

/// A row of a golden table: its fields by the names of their columns, or one after the other from left to right.
public struct GoldenRow: Sendable {
    let columns: [String]
    public let fields: [String]
    private var index = 0

    init(columns: [String], fields: [String]) { (self.columns, self.fields) = (columns, fields) }

    // By name.

    public func text(_ column: String) throws -> String {
        let index = try #require(columns.firstIndex(of: column), "there is no column \(column)")
        return try #require(index < fields.count ? fields[index] : nil, "\(fields) has no \(column)")
    }

    /// A number, or what else a text stands for.
    public func value<Value: LosslessStringConvertible>(_ column: String) throws -> Value {
        let text = try text(column)
        return try #require(Value(text), "\(column) is \(text)")
    }

    /// A field that names a case.
    public func kind<Kind: RawRepresentable<String>>(_ column: String) throws -> Kind {
        let text = try text(column)
        return try #require(Kind(rawValue: text), "\(column) is \(text)")
    }

    public func int(_ column: String) throws -> Int { try value(column) }
    public func double(_ column: String) throws -> Double { try value(column) }

    /// Numbers with blanks between them.
    public func doubles(_ column: String) throws -> [Double] { try text(column).split(separator: " ").compactMap { Double($0) } }

    // From left to right: each call reads the next field.

    public mutating func text() throws -> String {
        try #require(index < fields.count, "\(fields) has no field \(index)")
        index += 1
        return fields[index - 1]
    }

    public mutating func int() throws -> Int {
        let text = try text()
        return try #require(Int(text), "\(text) is no whole number")
    }

    public mutating func double() throws -> Double {
        let text = try text()
        return try #require(Double(text), "\(text) is no number")
    }

    /// A field that names a case.
    public mutating func value<Value: RawRepresentable<String>>(_ type: Value.Type) throws -> Value {
        let text = try text()
        return try #require(Value(rawValue: text), "\(text) is no \(type)")
    }

    /// Whole numbers with blanks between them.
    public mutating func integers() throws -> [Int] { try text().split(separator: " ").compactMap { Int($0) } }
}
