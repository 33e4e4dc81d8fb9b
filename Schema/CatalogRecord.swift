public import Basics
import Foundation
public import GRDB
internal import Volumes

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
