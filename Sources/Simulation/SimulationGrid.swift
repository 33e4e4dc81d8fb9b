import Basics
import Tensors
import Volumes

/// The grid of voxels in which a tomogram is simulated: the tomogram and a margin around it. Structures and wedge streaks
/// continue in the margin, so that the periodicity of the Fourier transform does not wrap them into the tomogram.
struct SimulationGrid: Sendable {
    /// The number of voxels along x, margins included; y and z likewise.
    let x: Int
    let y: Int
    let z: Int
    /// The number of voxels along x before the first voxel of the tomogram; y and z likewise.
    let marginX: Int
    let marginY: Int
    let marginZ: Int
    /// The edge of a voxel, in Å.
    let voxelSize: Double
    /// The shape of the tomogram, without margins.
    let shape: VolumeShape

    private let transforms: (x: FourierTransform, y: FourierTransform, z: FourierTransform)

    /// The least margin, in Å: with the default optics the point spread of the contrast transfer is shorter; the streaks of the
    /// missing wedge along z are longer.
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

    /// A volume of zeros with the size of the grid.
    func emptyVolume() -> FourierVolume { FourierVolume(x: transforms.x, y: transforms.y, z: transforms.z) }

    /// The number of voxels, margins included.
    var count: Int { x * y * z }

    /// The centre of a voxel, in Å from the centre of the tomogram's first voxel.
    @inline(__always)
    func position(x: Int, y: Int, z: Int) -> Point {
        Point(Double(x - marginX), Double(y - marginY), Double(z - marginZ)) * voxelSize
    }

    /// The fractional voxel indices (x, y, z) of a point in Å; they may lie outside the grid.
    @inline(__always)
    func index(of point: Point) -> Point {
        point / voxelSize + Point(Double(marginX), Double(marginY), Double(marginZ))
    }

    /// The box of all voxel centres, in Å.
    var region: Region {
        Region(lower: position(x: 0, y: 0, z: 0), upper: position(x: x - 1, y: y - 1, z: z - 1))
    }

    /// The box that the tomogram's voxels fill (from voxel edge to voxel edge), in Å.
    var tomogramRegion: Region {
        Region(
            lower: Point(repeating: -voxelSize / 2),
            upper: Point(Double(shape.x) - 0.5, Double(shape.y) - 0.5, Double(shape.z) - 0.5) * voxelSize)
    }

    /// The spatial frequency, in Å⁻¹, of Fourier coefficient `index` of `count` along an axis; negative above `count / 2`.
    func frequency(_ index: Int, of count: Int) -> Double {
        Double(2 * index > count ? index - count : index) / (Double(count) * voxelSize)
    }
}

extension SimulationGrid {
    /// Calls the closure with each voxel of some slices whose centre lies in a ball, until it returns false.
    ///
    /// - Parameters:
    ///   - radius: the radius of the ball, in Å.
    ///   - point: its centre, in Å.
    ///   - slices: the z indices to visit.
    @inline(__always)
    func forEachVoxel(
        within radius: Double, of point: Point, slices: Range<Int>,
        _ body: (_ z: Int, _ y: Int, _ x: Int) -> Bool
    ) {
        let center = index(of: point)
        let reach = radius / voxelSize
        guard let zs = slices.part(from: center.z - reach, through: center.z + reach) else { return }
        for z in zs {
            let dz = Double(z) - center.z
            let inSlice = max(0, reach * reach - dz * dz).squareRoot()
            guard let ys = (0..<self.y).part(from: center.y - inSlice, through: center.y + inSlice) else { continue }
            for y in ys {
                let dy = Double(y) - center.y
                let inRow = max(0, reach * reach - dz * dz - dy * dy).squareRoot()
                guard let xs = (0..<self.x).part(from: center.x - inRow, through: center.x + inRow) else { continue }
                for x in xs {
                    guard body(z, y, x) else { return }
                }
            }
        }
    }
}
