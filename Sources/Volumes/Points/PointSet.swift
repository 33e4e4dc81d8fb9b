/// Points in the units of one convention, as a file holds them.
public struct PointSet: Hashable, Sendable {
    public var points: [PickedPoint]
    public var convention: CoordinateConvention
    /// The size of the pixels that the coordinates count, in Å; only for the convention `relion`, where the file states it.
    public var pixelSizeInAngstroms: Double?
    /// What was odd and how it was understood, one sentence each, for people.
    public var notes: [String]

    public init(
        points: [PickedPoint], convention: CoordinateConvention, pixelSizeInAngstroms: Double? = nil, notes: [String] = []
    ) {
        self.points = points
        self.convention = convention
        self.pixelSizeInAngstroms = pixelSizeInAngstroms
        self.notes = notes
    }

    /// The same points in another convention; shifts are added to the positions on the way.
    ///
    /// - Parameters:
    ///   - convention: of the result.
    ///   - pixelSizeInAngstroms: of the result's pixels where they are RELION's; nil for the tomogram's voxel size.
    ///   - voxelSize: of the tomogram in which the points lie.
    ///   - shape: of the tomogram in which the points lie.
    public func converted(
        to convention: CoordinateConvention, pixelSizeInAngstroms: Double? = nil, voxelSize: VoxelSize, shape: VolumeShape
    ) -> PointSet {
        let pixelSize = convention == .relion ? pixelSizeInAngstroms : nil
        let (origin, unit) = self.convention.frame(voxelSize: voxelSize, shape: shape, pixelSize: self.pixelSizeInAngstroms)
        let (newOrigin, newUnit) = convention.frame(voxelSize: voxelSize, shape: shape, pixelSize: pixelSize)
        // Without this, points that stay in their convention would pick up rounding.
        let isSameFrame = origin == newOrigin && unit == newUnit
        var result = self
        result.convention = convention
        result.pixelSizeInAngstroms = pixelSize
        for index in points.indices {
            let point = points[index]
            if isSameFrame && point.shiftInAngstroms == .zero { continue }
            let position = (SIMD3(point.x, point.y, point.z) - origin) * unit + point.shiftInAngstroms
            let moved = position / newUnit + newOrigin
            (result.points[index].x, result.points[index].y, result.points[index].z) = (moved.x, moved.y, moved.z)
            result.points[index].shiftInAngstroms = .zero
        }
        return result
    }

    /// The same points in Å from the centre of the tomogram's first voxel.
    public func inAngstroms(voxelSize: VoxelSize, shape: VolumeShape) -> PointSet {
        converted(to: .angstrom, voxelSize: voxelSize, shape: shape)
    }
}
