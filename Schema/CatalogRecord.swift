public import Basics
public import Foundation
public import GRDB

/// A row of a table of the catalog. Columns are the properties in snake case; optionals mirror NULL.
public protocol CatalogRecord: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {}

extension CatalogRecord {
    public static var databaseColumnDecodingStrategy: DatabaseColumnDecodingStrategy { .convertFromSnakeCase }
    public static var databaseColumnEncodingStrategy: DatabaseColumnEncodingStrategy { .convertToSnakeCase }
}

/// A digest is stored as a blob of 32 bytes.
extension Digest: DatabaseValueConvertible {
    public var databaseValue: DatabaseValue { Data(bytes).databaseValue }

    public static func fromDatabaseValue(_ value: DatabaseValue) -> Digest? {
        Data.fromDatabaseValue(value).flatMap { Digest($0) }
    }
}

/// The kinds of scopes: what a step works on, one item for each.
public enum ScopeKind: String, Codable, Sendable, Hashable, CaseIterable, DatabaseValueConvertible {
    case tomogram, annotation, slab, slice
    /// Slabs and annotations of several tomograms, on which networks are trained.
    case trainingSet = "training-set"
}

/// Times as the catalog writes them: UTC, ISO 8601 with milliseconds, so that the order of the texts is the order in time.
public enum Timestamp {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// Now.
    public static var now: String { text(.now) }

    /// A date as the catalog writes it.
    public static func text(_ date: Date) -> String { date.formatted(style) }

    /// The date that a text of the catalog means; nil where it is none.
    public static func date(_ text: String) -> Date? { try? style.parse(text) }
}
