public import Volumes

/// A tomogram that is to be added: what a person says, and what the header of its file says.
public struct NewTomogram: Sendable, Hashable {
    public var name: String
    /// The file or folder by an absolute path.
    public var location: VolumeLocation
    public var format: String
    public var scalarType: ScalarType
    public var shape: VolumeShape
    public var headerVoxelSize: VoxelSize?
    /// nil: nothing is said, and what was said earlier stays.
    public var userVoxelSize: VoxelSize?
    public var metadata: [String: String]

    public init(
        name: String, location: VolumeLocation, format: String, scalarType: ScalarType, shape: VolumeShape,
        headerVoxelSize: VoxelSize? = nil, userVoxelSize: VoxelSize? = nil, metadata: [String: String] = [:]
    ) {
        self.name = name
        self.location = location
        self.format = format
        self.scalarType = scalarType
        self.shape = shape
        self.headerVoxelSize = headerVoxelSize
        self.userVoxelSize = userVoxelSize
        self.metadata = metadata
    }

    /// What became of it.
    public enum Outcome: Sendable, Hashable { case added, updated, relocated, unchanged }

    /// Its id in the catalog, and what became of it.
    public typealias Added = (id: Int64, outcome: Outcome)
}
