public import GRDB
public import Volumes

/// Who says what about a tomogram's voxel size.
public struct VoxelSizeEvidenceRecord: CatalogRecord {
    public static let databaseTableName = "voxel_size_evidence"

    public enum Source: String, Codable, Sendable, Hashable, DatabaseValueConvertible { case header, user }

    public var tomogramId: Int64
    public var source: Source
    public var xAngstrom: Double
    public var yAngstrom: Double
    public var zAngstrom: Double
    public var notedAt: String

    public init(tomogramId: Int64, source: Source, voxelSize: VoxelSize, notedAt: String) {
        self.tomogramId = tomogramId
        self.source = source
        self.xAngstrom = voxelSize.xInAngstroms
        self.yAngstrom = voxelSize.yInAngstroms
        self.zAngstrom = voxelSize.zInAngstroms
        self.notedAt = notedAt
    }
}
