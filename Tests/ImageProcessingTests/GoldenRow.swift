import Testing

/// A row of a golden table, read from left to right.
struct GoldenRow {
    private let fields: [String]
    private var index = 0

    init(_ fields: [String]) { self.fields = fields }

    static func all(_ table: String, in folder: String = "operations") throws -> [GoldenRow] {
        try GoldenFile.rows("\(folder)/\(table).csv").map(GoldenRow.init)
    }

    mutating func text() throws -> String {
        try #require(index < fields.count, "\(fields) has no field \(index)")
        index += 1
        return fields[index - 1]
    }

    mutating func int() throws -> Int {
        let text = try text()
        return try #require(Int(text), "\(text) is no whole number")
    }

    mutating func double() throws -> Double {
        let text = try text()
        return try #require(Double(text), "\(text) is no number")
    }

    /// A field that names a case.
    mutating func value<Value: RawRepresentable<String>>(_ type: Value.Type) throws -> Value {
        let text = try text()
        return try #require(Value(rawValue: text), "\(text) is no \(type)")
    }

    mutating func integers() throws -> [Int] { try text().split(separator: " ").compactMap { Int($0) } }
}
