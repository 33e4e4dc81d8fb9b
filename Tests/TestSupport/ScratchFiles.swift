public import Volumes

/// Writers by path, for files that tests make in folders of their own, where nothing has to stay.
extension OutputFile {
    /// The file of a path, which replaces one that is there.
    public static func scratch(_ path: String) throws(VolumeError) -> OutputFile {
        try OutputFile(path, replacing: true, protecting: .none)
    }
}

extension MRCWriter {
    public convenience init(
        path: String, shape: VolumeShape, scalarType: ScalarType, voxelSize: VoxelSize?, labels: [String] = []
    ) throws(VolumeError) {
        try self.init(.scratch(path), shape: shape, scalarType: scalarType, voxelSize: voxelSize, labels: labels)
    }
}

extension PointFile {
    public static func write(
        _ points: PointSet, to path: String, convention: CoordinateConvention? = nil, pixelSizeInAngstroms: Double? = nil,
        voxelSize: VoxelSize, shape: VolumeShape, session: CopickSession = CopickSession()
    ) throws(VolumeError) {
        try write(
            points, to: .scratch(path), convention: convention, pixelSizeInAngstroms: pixelSizeInAngstroms, voxelSize: voxelSize,
            shape: shape, session: session)
    }
}
