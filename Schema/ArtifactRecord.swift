public import Basics
public import GRDB
internal import Volumes

/// An artifact that the blob store has, or had until it was evicted.
public struct ArtifactRecord: CatalogRecord {
    public static let databaseTableName = "artifact"

    public enum State: String, Codable, Sendable, Hashable, DatabaseValueConvertible { case present, evicted }

    public var id: Int64?
    public var digest: Digest
    public var kind: String
    public var bytes: Int
    /// Whether `gc` may drop the bytes, because they can be computed again.
    public var evictable: Bool
    public var state: State
    public var createdAt: String

    public init(
        id: Int64? = nil, digest: Digest, kind: String, bytes: Int, evictable: Bool, state: State, createdAt: String
    ) {
        self.id = id
        self.digest = digest
        self.kind = kind
        self.bytes = bytes
        self.evictable = evictable
        self.state = state
        self.createdAt = createdAt
    }
}
