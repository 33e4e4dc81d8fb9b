/// The number of voxels of a volume along each axis, in storage order `[z][y][x]`: x varies fastest.
///
/// A shape is always sane: every axis has at least one and at most 2³¹ − 1 voxels, and the voxel count times eight
/// bytes fits `Int`. Headers that claim more are refused where they are read, so that no arithmetic downstream can
/// overflow.
public struct VolumeShape: Hashable, Sendable {
    /// The number of slices.
    public let z: Int
    /// The number of rows of a slice.
    public let y: Int
    /// The number of voxels of a row.
    public let x: Int

    /// Returns nil if an axis is smaller than one, or if the volume could not be addressed.
    public init?(z: Int, y: Int, x: Int) {
        let axes = [z, y, x]
        guard axes.allSatisfy({ $0 >= 1 && $0 <= Int(Int32.max) }) else { return nil }
        let (slice, overflowsInSlice) = y.multipliedReportingOverflow(by: x)
        let (count, overflowsInVolume) = slice.multipliedReportingOverflow(by: z)
        guard !overflowsInSlice, !overflowsInVolume, count <= Int.max / 16 else { return nil }
        self.z = z
        self.y = y
        self.x = x
    }

    /// The number of voxels.
    public var count: Int { z * y * x }

    /// The number of voxels of one slice.
    public var sliceCount: Int { y * x }

    /// The box that covers the whole volume.
    public var box: Box { Box(shape: self) }
}

extension VolumeShape: CustomStringConvertible {
    /// The field's way of writing a size: `x × y × z`.
    public var description: String { "\(x) × \(y) × \(z)" }
}
