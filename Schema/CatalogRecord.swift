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

/// The public views of the catalog (`views.md`), as the SQL that makes them.
///
/// They are no part of migrations: a catalog keeps the digest of the text that made its views, and opening it makes them anew
/// where this build has another text. So a column is added in one file.
public enum PublicViews {
    /// The files of `Views/`, in the order of their names.
    private static let files = [
        PackageResources.collection_sql, PackageResources.evaluation_sql, PackageResources.metrics_sql,
        PackageResources.objects_sql, PackageResources.results_sql, PackageResources.runs_sql, PackageResources.training_sql,
    ]

    /// One CREATE VIEW for each view.
    public static let sql = files.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")

    /// The digest of ``sql``, which a catalog keeps beside its views.
    public static let digest = Digest(of: sql.utf8)
}
