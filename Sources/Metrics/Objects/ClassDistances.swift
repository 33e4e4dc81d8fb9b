public import ImageProcessing
public import Volumes

/// Distances from points to the nearest voxel of a class, for example from particles to the membrane.
///
/// ```swift
/// var membrane = ClassDistances(shape: shape, voxelSize: voxelSize)
/// for z in 0..<shape.z { try membrane.add(mask(z)) }
/// let distances = try membrane.distancesInAngstroms(from: centroids)
/// ```
public struct ClassDistances: Sendable {
    /// The size of a voxel along z, y and x.
    public let voxelSize: VoxelSize
    private var tree: VoxelTree
    private var depth = 0

    /// Begins a volume without voxels of the class.
    public init(shape: VolumeShape, voxelSize: VoxelSize) {
        self.voxelSize = voxelSize
        tree = VoxelTree(shape: shape, voxelSize: voxelSize)
    }

    /// Adds the next slice.
    ///
    /// - Parameter mask: true where a voxel has the class, `[y][x]`.
    /// - Throws: ``MetricsError`` where the mask has another size, or the volume is full.
    /// - Complexity: one pass over the pixels, 64 at a time, and some nanoseconds for each pixel of the class. Memory is an
    ///   eighth of a byte for each voxel of the volume.
    public mutating func add(_ mask: Mask) throws(MetricsError) {
        try mask.requireSlice(depth, of: tree.shape)
        try withMetricsError { () throws(ImageError) in try tree.insert(mask, z: depth) }
        depth += 1
    }

    /// The distance in Å from a point to the centre of the nearest voxel of the class; nil where the class has no voxel.
    ///
    /// - Parameter point: (x, y, z) in Å from the centre of the first voxel.
    /// - Throws: ``MetricsError`` where slices are missing, or a coordinate is not finite or beyond 10¹² Å.
    /// - Complexity: logarithmic in the volume where the nearest voxel is near.
    public func distanceInAngstroms(from point: SIMD3<Double>) throws(MetricsError) -> Double? {
        guard depth == tree.shape.z else { throw .missingSlices(depth, of: tree.shape) }
        try [point].check("point")
        return tree.distance(from: point / voxelSize.vectorInAngstroms)
    }

    /// The distance from each of several points, as ``distanceInAngstroms(from:)``.
    ///
    /// - Throws: as ``distanceInAngstroms(from:)``.
    public func distancesInAngstroms(from points: [SIMD3<Double>]) throws(MetricsError) -> [Double?] {
        try points.check("point")
        var distances: [Double?] = []
        for point in points { distances.append(try distanceInAngstroms(from: point)) }
        return distances
    }
}
