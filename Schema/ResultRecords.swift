public import Basics
public import GRDB

/// An artifact that the blob store has, or had until its bytes were dropped.
public struct ArtifactRecord: CatalogRecord {
    public static let databaseTableName = "artifact"

    /// Whether the blob store has the bytes; evicted ones come back when a step that needs them runs.
    public enum State: String, Codable, Sendable, Hashable, DatabaseValueConvertible { case present, evicted }

    public var id: Int64?
    public var digest: Digest
    public var kind: String
    public var bytes: Int
    /// Whether `gc` may drop the bytes, because they can be computed again.
    public var evictable: Bool
    public var state: State
    public var createdAt: String
}

/// How one execution of a step on a scope ended: the column `status` of `trace`.
public enum TraceStatus: String, Codable, Sendable, Hashable, DatabaseValueConvertible {
    /// Its outputs are the result under its key.
    case done
    /// It was done, and a later execution under the same key gave other outputs.
    case superseded
    /// It ended with an error.
    case failed
    /// It did not run, because something that it depends on failed.
    case skipped
}
