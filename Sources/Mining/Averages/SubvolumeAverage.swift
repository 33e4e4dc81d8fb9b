/// The average of boxes, with how each of them lies in it.
public struct SubvolumeAverage: Sendable {
    /// The side of all volumes in voxels, that of the boxes.
    public let side: Int
    /// The edge of a voxel, in Å.
    public let voxelSizeInAngstroms: Double
    /// Densities `[z][y][x]` less their mean, in the units of the boxes; frequencies below that of 2 voxels. Not sharpened, not
    /// filtered by the resolution, 0 towards the corners.
    public let volume: [Float]
    /// The averages of the two halves, in the same frame; empty where there was one box only.
    public let halves: [[Float]]
    /// How well the halves agree within the soft ball of the particle; nil where there was one box only.
    public let correlation: FourierShellCorrelation?
    /// One for each box, in their order.
    public let poses: [SubvolumePose]

    /// The resolution at which the correlation of the halves falls below 0.143, in Å. nil where there is none.
    ///
    /// The halves share the first reference. So a resolution that is not finer than about 0.7 times that of the first reference is no
    /// evidence of a common structure: boxes of noise reach it too.
    public var resolutionInAngstroms: Double? { correlation?.resolutionInAngstroms }
    /// Whether voxels limit the resolution, and not the number of particles or their noise.
    public var isLimitedByVoxels: Bool { correlation?.isLimitedByVoxels ?? false }
}

/// How an average is made.
public struct SubvolumeAveragingParameters: Hashable, Codable, Sendable {
    /// The radius of the particle, in Å: the soft mask of the search. 4 voxels … half of the side.
    public var radiusInAngstroms: Double
    /// How far a particle may lie from the middle of its box, in voxels. 0 … a quarter of the side.
    public var shiftInVoxels = 4.0
    /// The resolution in Å of the first reference, which both halves share. nil: half of the radius.
    public var initialResolutionInAngstroms: Double?
    /// Rounds that search all rotations. 1 … 20.
    public var globalRounds = 3
    /// Rounds after them, that search near the last result. 0 … 20.
    public var localRounds = 3
    /// About the angle between neighbouring rotations of a global search, in degrees. 8 … 40.
    public var spacingInDegrees = 15.0
    /// How many boxes are tried as first references. 1 … 100.
    public var restarts = 6
    /// Decides on the halves and on the boxes that are tried first.
    public var seed: UInt64 = 1

    public init(radiusInAngstroms: Double) { self.radiusInAngstroms = radiusInAngstroms }
}
