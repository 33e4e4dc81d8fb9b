public import Basics
public import GRDB
public import Volumes

/// What a person or another program says about a tomogram: a label volume, or points.
public struct AnnotationRecord: CatalogRecord {
    public static let databaseTableName = "annotation"

    public enum Kind: String, Codable, Sendable, Hashable, DatabaseValueConvertible { case labels, points }

    public var id: Int64?
    public var tomogramId: Int64
    public var kind: Kind
    public var path: String
    public var member: String?
    /// How the points of the file are written; nil for labels.
    public var convention: String?
    /// The content: the label voxels, or the points and classes.
    public var digest: Digest
    public var addedAt: String

    public init(
        id: Int64? = nil, tomogramId: Int64, kind: Kind, location: VolumeLocation, convention: String?, digest: Digest,
        addedAt: String
    ) {
        self.id = id
        self.tomogramId = tomogramId
        self.kind = kind
        self.path = location.path
        self.member = location.member
        self.convention = convention
        self.digest = digest
        self.addedAt = addedAt
    }
}
