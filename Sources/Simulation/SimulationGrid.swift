import Volumes

/// The voxels in which a tomogram is simulated: those of the tomogram and a margin about them, in which structures and
/// streaks go on, so that the periodic Fourier transform wraps nothing into view.
struct SimulationGrid: Sendable {
    let x: Int
    let y: Int
    let z: Int
    /// The margin before the first voxel of the tomogram.
    let marginX: Int
    let marginY: Int
    let marginZ: Int
    /// In Å.
    let voxelSize: Double
    /// The tomogram.
    let shape: VolumeShape

    private let transforms: (x: FourierTransform, y: FourierTransform, z: FourierTransform)

    /// The margin in Å: contrast transfer reaches less far at the defaults; the wedge's streaks along z reach further.
    private static let margin = 160.0
    private static let marginAlongZ = 320.0

    init(shape: VolumeShape, voxelSize: Double) {
        func padded(_ length: Int, _ margin: Double) -> (transform: FourierTransform, before: Int) {
            let voxels = Int((margin / voxelSize).rounded(.up))
            return (FourierTransform(lengthAtLeast: length + 2 * voxels), voxels)
        }
        let alongX = padded(shape.x, Self.margin)
        let alongY = padded(shape.y, Self.margin)
        let alongZ = padded(shape.z, Self.marginAlongZ)
        transforms = (alongX.transform, alongY.transform, alongZ.transform)
        (x, y, z) = (alongX.transform.length, alongY.transform.length, alongZ.transform.length)
        (marginX, marginY, marginZ) = (alongX.before, alongY.before, alongZ.before)
        self.voxelSize = voxelSize
        self.shape = shape
    }

    /// A volume of zeros.
    func emptyVolume() -> FourierVolume { FourierVolume(x: transforms.x, y: transforms.y, z: transforms.z) }

    var count: Int { x * y * z }

    /// The centre of a voxel, in Å from the centre of the tomogram's first voxel.
    @inline(__always)
    func position(x: Int, y: Int, z: Int) -> Point {
        Point(Double(x - marginX), Double(y - marginY), Double(z - marginZ)) * voxelSize
    }

    /// The indices of the voxel, not necessarily in the grid, whose coordinates are these, as fractions.
    @inline(__always)
    func index(of point: Point) -> Point {
        point / voxelSize + Point(Double(marginX), Double(marginY), Double(marginZ))
    }

    /// The region of all voxel centres, in Å.
    var region: Region {
        Region(lower: position(x: 0, y: 0, z: 0), upper: position(x: x - 1, y: y - 1, z: z - 1))
    }

    /// The region of the tomogram's voxels, edges of voxels included, in Å.
    var tomogramRegion: Region {
        Region(
            lower: Point(repeating: -voxelSize / 2),
            upper: Point(Double(shape.x) - 0.5, Double(shape.y) - 0.5, Double(shape.z) - 0.5) * voxelSize)
    }

    /// The spatial frequency in Å⁻¹ of the `index`th of `count` Fourier coefficients along an axis.
    func frequency(_ index: Int, of count: Int) -> Double {
        Double(2 * index > count ? index - count : index) / (Double(count) * voxelSize)
    }
}
