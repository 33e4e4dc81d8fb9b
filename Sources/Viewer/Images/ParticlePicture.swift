import Basics
import Catalog
import Rendering
import Volumes

/// A small picture of what surrounds a place of a tomogram: the mean of some slices, with a contrast of its own.
///
/// Pictures of one side show the same number of voxels, so that particles are compared at one scale; what lies outside of the tomogram has
/// the mean grey.
enum ParticlePicture {
    /// The sides of pictures in voxels.
    static let sides = 8...256
    /// The part of the side over which slices are averaged: noise is less, and a particle is not smeared.
    private static let depthPart = 0.12
    /// The densities from so many standard deviations below the mean to as many above become the greys.
    private static let deviations: Float = 2.5

    /// A picture of side × side pixels around the voxel that holds a place.
    ///
    /// - Parameters:
    ///   - place: x, y, z in voxels, from the centre of the first one.
    ///   - side: in voxels, within ``sides``.
    /// - Throws: ``ViewerError`` where the place is not in the tomogram, ``VolumeError`` where its file cannot be read.
    /// - Complexity: reads side² voxels of at most 31 slices.
    static func around(_ place: SIMD3<Double>, in volume: any Volume, side: Int) throws -> GreyImage {
        let shape = volume.shape
        func middle(_ value: Double, _ count: Int) -> Int? {
            guard value.isFinite, value > -1, value < Double(count) else { return nil }
            return min(max(Int(value.rounded()), 0), count - 1)
        }
        guard let x = middle(place.x, shape.x), let y = middle(place.y, shape.y), let z = middle(place.z, shape.z) else {
            throw ViewerError(
                .invalid, "the place \(place.x), \(place.y), \(place.z) is outside of the tomogram; give x, y, z in voxels from 0"
            )
        }
        let side = min(max(side, sides.lowerBound), sides.upperBound)
        let reach = Int((Double(side) * depthPart / 2).rounded(.down))
        let (left, top) = (x - side / 2, y - side / 2)
        let columns = max(0, left)..<min(shape.x, left + side)
        let rows = max(0, top)..<min(shape.y, top + side)
        guard let box = Box(z: max(0, z - reach)..<min(shape.z, z + reach + 1), y: rows, x: columns) else {
            throw CatalogError(mistake: .invalid, "has no voxel around a place in it", path: volume.header.path)
        }
        var voxels = VoxelPortion<Float>()
        try voxels.read(box, of: volume)
        let plane = rows.count * columns.count
        var (sums, counts) = ([Float](repeating: 0, count: plane), [Float](repeating: 0, count: plane))
        voxels.withValues { values in
            for slice in 0..<box.z.count {
                for pixel in 0..<plane {
                    let value = values[slice * plane + pixel]
                    // NaN and infinity stand for what was not recorded.
                    if value.isFinite { (sums[pixel], counts[pixel]) = (sums[pixel] + value, counts[pixel] + 1) }
                }
            }
        }
        var means = zip(sums, counts).map { $1 > 0 ? $0 / $1 : Float.nan }
        let scale = ByteScale(range(of: means))
        // A voxel that was not recorded is as grey as the outside.
        let grey = (scale.range.lowerBound + scale.range.upperBound) / 2
        for index in means.indices where means[index].isNaN { means[index] = grey }
        let bytes = [UInt8](unsafeUninitializedCapacity: plane) { bytes, count in
            means.withUnsafeBufferPointer { scale.bytes(of: $0, into: UnsafeMutableBufferPointer(rebasing: bytes[..<plane])) }
            count = plane
        }
        var pixels = [UInt8](repeating: 128, count: side * side)
        for row in rows.indices {
            let (first, target) = ((row - rows.lowerBound) * columns.count, (row - top) * side + columns.lowerBound - left)
            pixels.replaceSubrange(target..<target + columns.count, with: bytes[first..<first + columns.count])
        }
        guard let picture = GreyImage(height: side, width: side, pixels: pixels) else {
            throw CatalogError(mistake: .invalid, "has no picture around a place", path: volume.header.path)
        }
        return picture
    }

    private static func range(of means: [Float]) -> ClosedRange<Float> {
        let known = means.filter(\.isFinite)
        guard !known.isEmpty else { return 0...0 }
        let mean = known.reduce(0, +) / Float(known.count)
        let deviation = (known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(known.count)).squareRoot()
        guard mean.isFinite, deviation.isFinite else { return 0...0 }
        return mean - deviations * deviation...mean + deviations * deviation
    }
}
