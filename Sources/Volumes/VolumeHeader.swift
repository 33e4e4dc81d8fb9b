/// What the header of a volume says beside its shape and type.
public struct VolumeHeader: Sendable, Hashable {
    /// The file or folder, as it was named.
    public var path: String
    /// The format as people name it: `MRC`, `MRC (gzip)`, `TIFF`, `HDF5`, `OME-Zarr`.
    public var format: String
    /// The voxel size, where the header gives a plausible one.
    public var voxelSize: VoxelSize?
    /// The text labels of the header, without padding.
    public var labels: [String]
    /// What was odd about the header and how it was understood, one sentence each, for people.
    public var notes: [String]

    public init(path: String, format: String, voxelSize: VoxelSize? = nil, labels: [String] = [], notes: [String] = []) {
        self.path = path
        self.format = format
        self.voxelSize = voxelSize
        self.labels = labels
        self.notes = notes
    }
}
