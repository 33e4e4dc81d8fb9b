public import Basics
public import Volumes

/// Draws sheets of a given thickness: all voxels whose centres lie within half of it of a centre surface.
///
/// ```swift
/// let drawing = try SheetDrawing(shape: shape, voxelSize: voxelSize, thicknessInAngstroms: 60)
/// let masks = try drawing.masks(of: 16..<32) { z in try surface.codes(z) }
/// ```
///
/// A slice depends on ``reach`` slices of the surface on either side, so that any range of slices can be drawn for itself, with
/// the same result.
public struct SheetDrawing: Sendable {
    /// The number of voxels along z, y and x.
    public let shape: VolumeShape
    /// The number of slices of the surface on either side that a slice depends on.
    public let reach: Int
    /// The full width of a sheet.
    public let thicknessInAngstroms: Double

    private let edges: SIMD3<Double>
    /// The greatest squared distance in Å² from a place of the surface.
    private let squaredRadius: Double

    /// - Parameter thicknessInAngstroms: the full width of a sheet.
    /// - Throws: ``ImageError`` where the thickness is less than a voxel's length, or more than 1000 Å.
    public init(shape: VolumeShape, voxelSize: VoxelSize, thicknessInAngstroms: Double) throws(ImageError) {
        try CentreSurface.checkThickness(thicknessInAngstroms, voxelSize: voxelSize)
        (self.shape, self.thicknessInAngstroms) = (shape, thicknessInAngstroms)
        edges = voxelSize.vectorInAngstroms
        let mean = voxelSize.meanInAngstroms
        squaredRadius = thicknessInAngstroms * thicknessInAngstroms / 4 + CentreSurface.samplingExcess * mean * mean
        reach = Int((squaredRadius.squareRoot() / edges.z + 0.5).rounded(.down))
    }

    /// Draws some slices.
    ///
    /// - Parameters:
    ///   - slices: the slices.
    ///   - codes: gives a slice of ``CentreSurface`` codes `[y][x]`; it is called once for each slice that these depend on, in
    ///     order.
    /// - Precondition: the slices lie in the volume, and codes have their size.
    /// - Returns: the masks of the slices, in order.
    /// - Complexity: a row of a ball for each place and row, about 5 ns: 100 ns a place for sheets of four voxels. Memory is two
    ///   bytes for each voxel of the slices.
    public func masks<Failure>(
        of slices: Range<Int>, codes: (Int) throws(Failure) -> Image<UInt8>
    ) throws(Failure) -> [Mask] {
        precondition(slices.lowerBound >= 0 && slices.upperBound <= shape.z, "slices outside of the volume cannot be drawn")
        let (height, width) = (shape.y, shape.x)
        var bytes = [UInt8](repeating: 0, count: slices.count * height * width)
        for source in max(0, slices.lowerBound - reach)..<min(shape.z, slices.upperBound + reach) {
            let surface = try codes(source)
            precondition(surface.height == height && surface.width == width, "a centre surface of another size cannot be drawn")
            bytes.withUnsafeMutableBufferPointer { draw(surface, z: source, on: $0, slices) }
        }
        return slices.indices.map { z in
            let start = (z - slices.lowerBound) * height * width
            return Image(uncheckedHeight: height, width: width) { (slice: UnsafeMutableBufferPointer<Bool>) in
                for pixel in slice.indices { slice[pixel] = bytes[start &+ pixel] != 0 }
            }
        }
    }

    /// Draws the balls around the places of a slice of the surface.
    private func draw(_ surface: Image<UInt8>, z: Int, on bytes: UnsafeMutableBufferPointer<UInt8>, _ slices: Range<Int>) {
        let (height, width) = (shape.y, shape.x)
        surface.values.withUnsafeBufferPointer { values in
            CentreSurface.offsets.withUnsafeBufferPointer { offsets in
                for pixel in values.indices where values[pixel] != 0 {
                    let (y, x) = pixel.quotientAndRemainder(dividingBy: width)
                    let place = offsets[Int(values[pixel])] + SIMD3(Double(x), Double(y), Double(z))
                    for slice in range(place.z, squaredRadius, edges.z, slices) {
                        let depth = (Double(slice) - place.z) * edges.z
                        let disc = squaredRadius - depth * depth
                        for row in range(place.y, disc, edges.y, 0..<height) {
                            let away = (Double(row) - place.y) * edges.y
                            let columns = range(place.x, disc - away * away, edges.x, 0..<width)
                            let start = ((slice &- slices.lowerBound) &* height &+ row) &* width
                            for column in columns { bytes[start &+ column] = 1 }
                        }
                    }
                }
            }
        }
    }

    /// The voxels of a line within √`square` of `center`, which is in voxels.
    @inline(__always)
    private func range(_ center: Double, _ square: Double, _ edge: Double, _ limits: Range<Int>) -> Range<Int> {
        guard square >= 0 else { return 0..<0 }
        let radius = square.squareRoot() / edge
        let first = max(Int((center - radius).rounded(.up)), limits.lowerBound)
        return first..<max(first, min(Int((center + radius).rounded(.down)) + 1, limits.upperBound))
    }
}
