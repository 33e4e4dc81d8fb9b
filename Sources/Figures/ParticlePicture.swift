import Basics
import Catalog
import ImageProcessing
package import Rendering
package import Volumes

/// A small picture of what surrounds a place of a tomogram: the mean of some slices, with a contrast of its own.
///
/// Pictures of one side show the same number of voxels, so that particles are compared at one scale; what lies outside of the tomogram has
/// the mean grey.
package enum ParticlePicture {
    /// The sides of pictures in voxels.
    package static let sides = 8...256
    /// The part of the side over which slices are averaged: noise is less, and a particle is not smeared.
    private static let depthPart = 0.12
    /// The densities from so many standard deviations below the mean to as many above become the greys.
    private static let deviations: Float = 2.5
    private static let outside: UInt8 = 128

    /// Whether a place (x, y, z in voxels, from the centre of the first one) is in a tomogram, or less than a voxel beyond it.
    static func isPlace(_ place: SIMD3<Double>, in shape: VolumeShape) -> Bool {
        // False for NaN, too.
        place.x > -1 && place.y > -1 && place.z > -1 && place.x < Double(shape.x) && place.y < Double(shape.y)
            && place.z < Double(shape.z)
    }

    /// A picture of side × side pixels around the voxel that holds a place.
    ///
    /// - Parameters:
    ///   - place: x, y, z in voxels, from the centre of the first one.
    ///   - side: in voxels, within ``sides``.
    /// - Throws: ``CatalogError`` where the place is not in the tomogram, ``VolumeError`` where its file cannot be read.
    /// - Complexity: reads side² voxels of at most 31 slices.
    package static func around(_ place: SIMD3<Double>, in volume: any Volume, side: Int) throws -> GreyImage {
        let shape = volume.shape
        guard isPlace(place, in: shape) else {
            throw CatalogError(
                .invalid, "the place \(place.x), \(place.y), \(place.z) is outside of the tomogram; give x, y, z in voxels from 0"
            )
        }
        func middle(_ value: Double, _ count: Int) -> Int { min(max(Int(value.rounded()), 0), count - 1) }
        let (x, y, z) = (middle(place.x, shape.x), middle(place.y, shape.y), middle(place.z, shape.z))
        let side = min(max(side, sides.lowerBound), sides.upperBound)
        let reach = Int((Double(side) * depthPart / 2).rounded(.down))
        let (left, top) = (x - side / 2, y - side / 2)
        let columns = max(0, left)..<min(shape.x, left + side)
        let rows = max(0, top)..<min(shape.y, top + side)
        guard let box = Box(z: max(0, z - reach)..<min(shape.z, z + reach + 1), y: rows, x: columns) else {
            throw CatalogError(mistake: .invalid, "has no voxel around a place in it", path: volume.header.path)
        }
        let values = try volume.read(box).floats()
        let plane = rows.count * columns.count
        var (sums, counts) = ([Float](repeating: 0, count: plane), [Float](repeating: 0, count: plane))
        for slice in 0..<box.z.count {
            for pixel in 0..<plane {
                let value = values[slice * plane + pixel]
                // NaN and infinity stand for what was not recorded.
                if value.isFinite { (sums[pixel], counts[pixel]) = (sums[pixel] + value, counts[pixel] + 1) }
            }
        }
        var means = zip(sums, counts).map { $1 > 0 ? $0 / $1 : Float.nan }
        let greys = range(of: means)
        // A voxel that was not recorded is as grey as the outside.
        for index in means.indices where means[index].isNaN { means[index] = (greys.lowerBound + greys.upperBound) / 2 }
        let extent = greys.upperBound - greys.lowerBound
        let bytes = means.map { extent > 0 ? UInt8(min(max(($0 - greys.lowerBound) / extent * 255, 0), 255).rounded()) : outside }
        var pixels = [UInt8](repeating: outside, count: side * side)
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

extension GreyImage {
    /// The picture with another side, bilinearly.
    ///
    /// - Throws: ``ImageError`` unless the side is in 1 … 65536.
    func resized(toSide side: Int) throws -> GreyImage {
        guard side != width || side != height, let image = Image(height: height, width: width, values: pixels) else {
            return self
        }
        return GreyImage(height: side, width: side, pixels: try image.resized(height: side, width: side).values) ?? self
    }
}
