public import Basics
import GRDB
internal import Volumes

/// Weights that a step uses: where they are, and the digest of their content.
public struct ModelRecord: CatalogRecord {
    public static let databaseTableName = "model"

    public var id: Int64?
    public var name: String
    /// `diffusion`, `cellpose`, …
    public var kind: String
    public var path: String
    public var digest: Digest
    public var addedAt: String
    /// As people say it: `Apache-2.0`; nil where nobody did.
    public var licence: String?
    /// Who made it, of what; nil where nobody said.
    public var provenance: String?

    public init(
        id: Int64? = nil, name: String, kind: String, path: String, digest: Digest, addedAt: String, licence: String? = nil,
        provenance: String? = nil
    ) {
        self.id = id
        self.name = name
        self.kind = kind
        self.path = path
        self.digest = digest
        self.addedAt = addedAt
        self.licence = licence
        self.provenance = provenance
    }
}
