import GRDB

/// A contiguous range of slices of a tomogram that a person picked: `zFirst ..< zEnd`, 0-based.
public struct SlabRecord: CatalogRecord {
    public static let databaseTableName = "slab"

    public var id: Int64?
    public var tomogramId: Int64
    public var zFirst: Int
    public var zEnd: Int
    public var createdAt: String

    public init(id: Int64? = nil, tomogramId: Int64, z: Range<Int>, createdAt: String) {
        self.id = id
        self.tomogramId = tomogramId
        self.zFirst = z.lowerBound
        self.zEnd = z.upperBound
        self.createdAt = createdAt
    }
}
