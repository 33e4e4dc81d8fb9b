import Volumes

/// Boxes of a tomogram around places that come in the order of their slices, so that each slice is read once.
///
/// Densities are clipped and normalised (``DensityScaling``), and turned so that structures are bright. What lies beyond the tomogram has the mean.
///
/// Memory is bounded: the places are taken in bands of rows, and of a slice only the rows of a band are kept.
struct BoxWindow {
    let side: Int
    private let volume: any Volume
    private let scaling: DensityScaling
    private let sign: Float
    /// The rows that are kept.
    private let rows: Range<Int>
    /// Their densities in the slices of the last box, by z.
    private var slices: [Int: [Float]] = [:]

    /// The memory for slices, in bytes.
    private static let memoryInBytes = 256 << 20

    /// The bands of rows in which the middle voxels of boxes are taken, so that the rows that these need fit the memory.
    static func bands(of shape: VolumeShape, side: Int) -> [Range<Int>] {
        let kept = max(side, memoryInBytes / (4 * side * shape.x))
        let height = max(1, kept - side + 1)
        return stride(from: 0, to: shape.y, by: height).map { $0..<min($0 + height, shape.y) }
    }

    /// - Parameters:
    ///   - side: of a box in voxels, odd.
    ///   - band: the rows of the middle voxels, one of ``bands(of:side:)``.
    ///   - areDark: whether structures are dark in the tomogram.
    init(_ tomogram: NetworkApplication.Tomogram, side: Int, band: Range<Int>, structuresAreDark areDark: Bool) {
        (self.side, volume, scaling, sign) = (side, tomogram.volume, tomogram.scaling, areDark ? -1 : 1)
        rows = (band.lowerBound - side / 2..<band.upperBound + side / 2).clamped(to: 0..<volume.shape.y)
    }

    /// The densities `[z][y][x]` of a box.
    ///
    /// - Parameter centre: its middle voxel (x, y, z), in the band and in no earlier slice than that of the box before.
    /// - Complexity: reads the slices that no box had.
    mutating func box(at centre: SIMD3<Int>) throws -> [Float] {
        let (shape, reach) = (volume.shape, side / 2)
        var box = [Float](repeating: 0, count: side * side * side)
        slices = slices.filter { $0.key >= centre.z - reach }
        let columns = (centre.x - reach..<centre.x + reach + 1).clamped(to: 0..<shape.x)
        let wanted = (centre.y - reach..<centre.y + reach + 1).clamped(to: rows)
        for z in (centre.z - reach..<centre.z + reach + 1).clamped(to: 0..<shape.z) {
            let slice = try slices[z] ?? kept(z)
            slices[z] = slice
            for y in wanted {
                let target = ((z - centre.z + reach) * side + y - centre.y + reach) * side - centre.x + reach
                let source = (y - rows.lowerBound) * shape.x
                for x in columns { box[target + x] = sign * slice[source + x] }
            }
        }
        return box
    }

    /// The rows of a slice that are kept.
    private func kept(_ z: Int) throws -> [Float] {
        let (slice, width) = (try volume.readSlice(z: z).floats(), volume.shape.x)
        return scaling.normalized(Array(slice[rows.lowerBound * width..<rows.upperBound * width]))
    }
}
