/// What the numbers of a point mean.
///
/// Points are at home in Å from the centre of the first voxel, which is 0-based: the centre of voxel (i, j, k) of a
/// tomogram with voxel size v lies at (i·v, j·v, k·v). With *n* the number of voxels along an axis:
///
/// | convention | unit | Å along an axis |
/// |---|---|---|
/// | `angstrom` | Å | c |
/// | `voxel` | voxels of the tomogram, 0-based | c · v |
/// | `relion` | pixels of the size that the file states, 0-based; of the tomogram's where it states none | c · p |
/// | `relion5-centered` | Å from the middle of the tomogram | c + n/2 · v |
/// | `imod` | voxels; the centre of the first is at (0.5, 0.5, 0) | (c − 0.5) · v in x and y, c · v in z |
/// | `dynamo` | voxels; the centre of the first is at (1, 1, 1) | (c − 1) · v |
///
/// RELION never says whether its pixels begin at 0 or 1. RELION 5 reads a centred coordinate c as pixel c/p + n/2 of the
/// unbinned tomogram, n/2 not rounded, and takes voxel n/2, counted from 0, for the centre of rotation: 0-based. RELION 4
/// added 1 to the coordinates on the way to its projections, which are 1-based: 0-based as well. Its particle picker
/// once subtracted n/2 − 1, so coordinates from early versions of RELION 5 may be off by one unbinned pixel. STOPGAP's
/// `orig_x` is read as `voxel`. IMOD's and Dynamo's origins are those of 3dmod's model files and of MATLAB's indices.
public enum CoordinateConvention: String, Hashable, Sendable, CaseIterable, Codable {
    case angstrom
    case voxel
    case relion
    case relion5Centered = "relion5-centered"
    case imod
    case dynamo

    /// The place of the centre of the first voxel, and the size in Å of one unit, along x, y, z.
    ///
    /// - Parameters:
    ///   - voxelSize: of the tomogram.
    ///   - shape: of the tomogram.
    ///   - pixelSize: of the pixels of `relion`, in Å; nil for the tomogram's voxel size.
    func frame(
        voxelSize: VoxelSize, shape: VolumeShape, pixelSize: Double?
    ) -> (origin: SIMD3<Double>, unit: SIMD3<Double>) {
        let voxel = SIMD3(voxelSize.xInAngstroms, voxelSize.yInAngstroms, voxelSize.zInAngstroms)
        let count = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z))
        return switch self {
        case .angstrom: (.zero, .one)
        case .voxel: (.zero, voxel)
        case .relion: (.zero, pixelSize.map { SIMD3(repeating: $0) } ?? voxel)
        case .relion5Centered: (-count / 2 * voxel, .one)
        case .imod: (SIMD3(0.5, 0.5, 0), voxel)
        case .dynamo: (.one, voxel)
        }
    }
}
