import GRDB

/// A named collection of tomograms.
public struct DatasetRecord: CatalogRecord {
    public static let databaseTableName = "dataset"

    public var id: Int64?
    public var name: String
    /// The voxel size of tomograms about which nothing else is known.
    public var voxelSizeAngstrom: Double?
    public var createdAt: String

    public init(id: Int64? = nil, name: String, voxelSizeAngstrom: Double? = nil, createdAt: String) {
        self.id = id
        self.name = name
        self.voxelSizeAngstrom = voxelSizeAngstrom
        self.createdAt = createdAt
    }
}
