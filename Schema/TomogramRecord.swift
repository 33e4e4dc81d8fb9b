import GRDB
public import Volumes

/// A tomogram: where its file is, and what its header said when it was added.
public struct TomogramRecord: CatalogRecord {
    public static let databaseTableName = "tomogram"

    public var id: Int64?
    public var datasetId: Int64
    /// Unique within the dataset.
    public var name: String
    public var path: String
    public var member: String?
    public var format: String
    public var scalarType: String
    public var sizeZ: Int
    public var sizeY: Int
    public var sizeX: Int
    public var addedAt: String

    public init(
        id: Int64? = nil, datasetId: Int64, name: String, location: VolumeLocation, format: String, scalarType: ScalarType,
        shape: VolumeShape, addedAt: String
    ) {
        self.id = id
        self.datasetId = datasetId
        self.name = name
        self.path = location.path
        self.member = location.member
        self.format = format
        self.scalarType = scalarType.rawValue
        self.sizeZ = shape.z
        self.sizeY = shape.y
        self.sizeX = shape.x
        self.addedAt = addedAt
    }

    public var location: VolumeLocation { VolumeLocation(path: path, member: member) }
}
