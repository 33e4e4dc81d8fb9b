package import Catalog

/// A value of the database in JSON: NULL, and numbers that are not finite, as null; bytes as hexadecimal digits.
package struct JSONCell: Encodable, Sendable, Equatable {
    package let value: QueryValue

    package init(_ value: QueryValue) { self.value = value }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch value {
        case .null: try container.encodeNil()
        case .integer(let integer): try container.encode(integer)
        case .real(let real): real.isFinite ? try container.encode(real) : try container.encodeNil()
        case .text(let text): try container.encode(text)
        case .blob: try container.encode(value.plainText)
        }
    }

    /// How many bytes it takes, about.
    var byteCount: Int {
        switch value {
        case .null, .integer, .real: 16
        case .text(let text): text.utf8.count
        case .blob(let bytes): 2 * bytes.count
        }
    }
}

/// A row as an object of JSON: a key for each column.
package struct JSONRow: Encodable, Sendable, Equatable {
    package let columns: [String]
    package let values: [QueryValue]

    package init(_ columns: [String], _ values: [QueryValue]) { (self.columns, self.values) = (columns, values) }

    /// The value of a column; nil where there is no such column.
    package subscript(column: String) -> QueryValue? {
        columns.firstIndex(of: column).flatMap { $0 < values.count ? values[$0] : nil }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (column, value) in zip(columns, values) { try container.encode(JSONCell(value), forKey: Key(stringValue: column)) }
    }
}

/// Rows of a table, of which there may be more than were asked for.
package struct JSONTable: Encodable, Sendable {
    /// All that there are.
    package let total: Int
    /// The place of the first of ``rows`` among them.
    package let offset: Int
    package let rows: [JSONRow]
}

/// A value, or `null`: what is left out where there is none is undefined in JavaScript, and pages would have to know both.
package struct OrNull<Value: Encodable & Sendable>: Encodable, Sendable {
    package let value: Value?

    init(_ value: Value?) { self.value = value }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if let value { try container.encode(value) } else { try container.encodeNil() }
    }
}
