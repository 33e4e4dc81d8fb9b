import Volumes

/// Boxes of a tomogram around places that come in the order of their slices, so that each slice is read once.
///
/// Densities are clipped and normalised (``DensityScaling``), and turned so that structures are bright. Beyond the
/// faces of the tomogram lies its mirror image: a ball that a face cuts has the shells of a whole one, where a mean would make it another thing.
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
    init(of volume: any Volume, scaling: DensityScaling, side: Int, band: Range<Int>, structuresAreDark areDark: Bool) {
        (self.side, self.volume, self.scaling, sign) = (side, volume, scaling, areDark ? -1 : 1)
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
        let columns = (0..<side).map { Self.mirrored(centre.x - reach + $0, in: 0..<shape.x) }
        for plane in 0..<side {
            let z = Self.mirrored(centre.z - reach + plane, in: 0..<shape.z)
            let slice = try slices[z] ?? kept(z)
            slices[z] = slice
            for row in 0..<side {
                let y = Self.mirrored(centre.y - reach + row, in: 0..<shape.y)
                // Of a tomogram that is narrower than half of a box, what is not kept is the nearest that is.
                let source = (min(max(y, rows.lowerBound), rows.upperBound - 1) - rows.lowerBound) * shape.x
                let target = (plane * side + row) * side
                for column in 0..<side { box[target + column] = sign * slice[source + columns[column]] }
            }
        }
        return box
    }

    /// The place inside of a range of which a place beyond it is the mirror image: the first beyond a face is the last before it.
    static func mirrored(_ place: Int, in range: Range<Int>) -> Int {
        var place = place
        while !range.contains(place) {
            place = place < range.lowerBound ? 2 * range.lowerBound - 1 - place : 2 * range.upperBound - 1 - place
        }
        return place
    }

    /// The rows of a slice that are kept.
    private func kept(_ z: Int) throws -> [Float] {
        let (slice, width) = (try volume.readSlice(z: z).floats(), volume.shape.x)
        return scaling.normalized(Array(slice[rows.lowerBound * width..<rows.upperBound * width]))
    }
}
