import Volumes

/// Boxes of a tomogram around places that come in the order of their slices, so that each slice is read once.
///
/// Densities are clipped and normalised (``DensityScaling``), and turned so that structures are bright. What lies beyond the tomogram has the mean.
struct BoxWindow {
    let side: Int
    private let volume: any Volume
    private let scaling: DensityScaling
    private let sign: Float
    /// The slices of the last box, by z.
    private var slices: [Int: [Float]] = [:]

    /// - Parameters:
    ///   - side: of a box in voxels, odd.
    ///   - areDark: whether structures are dark in the tomogram.
    init(_ tomogram: NetworkApplication.Tomogram, side: Int, structuresAreDark areDark: Bool) {
        (self.side, volume, scaling, sign) = (side, tomogram.volume, tomogram.scaling, areDark ? -1 : 1)
    }

    /// The densities `[z][y][x]` of a box.
    ///
    /// - Parameter centre: its middle voxel (x, y, z), in no earlier slice than that of the box before.
    /// - Complexity: reads the slices that no box had; memory for `side` slices.
    mutating func box(at centre: SIMD3<Int>) throws -> [Float] {
        let (shape, reach) = (volume.shape, side / 2)
        var box = [Float](repeating: 0, count: side * side * side)
        slices = slices.filter { $0.key >= centre.z - reach }
        let columns = max(0, centre.x - reach)..<min(shape.x, centre.x + reach + 1)
        let rows = max(0, centre.y - reach)..<min(shape.y, centre.y + reach + 1)
        guard !columns.isEmpty, !rows.isEmpty else { return box }
        for z in max(0, centre.z - reach)..<min(shape.z, centre.z + reach + 1) {
            let slice: [Float]
            if let known = slices[z] {
                slice = known
            } else {
                slice = try scaling.normalized(volume.readSlice(z: z).floats())
                slices[z] = slice
            }
            for y in rows {
                let target = ((z - centre.z + reach) * side + y - centre.y + reach) * side - centre.x + reach
                for x in columns { box[target + x] = sign * slice[y * shape.x + x] }
            }
        }
        return box
    }
}
