import ImageProcessing
import Volumes

/// The truth of a simulated tomogram: labels of voxels, and particles.
struct Truth {
    static let membrane: UInt8 = 1
    static let filaments: ClosedRange<UInt8> = 5...6
    static let classes = ["background", "membrane", "ribosome", "proteasome", "complex", "actin", "microtubule", "gold"]

    let name: String
    let voxelSize: Double
    let slices: [Image<UInt8>]
    let particles: [TrueParticle]

    /// - Parameter path: `…/NAME_labels.mrc`, with `NAME_particles.csv` beside it.
    init(labels path: String) throws {
        let volume = try VolumeLocation(parsing: path).open()
        let shape = volume.shape
        guard let size = volume.header.voxelSize else { throw NoVoxelSize(path: path) }
        voxelSize = size.xInAngstroms
        slices = try (0..<shape.z).compactMap { z in
            let values = try volume.readSlice(z: z).floats().map { UInt8($0) }
            return Image(height: shape.y, width: shape.x, values: values)
        }
        let stem = path.hasSuffix("_labels.mrc") ? String(path.dropLast("_labels.mrc".count)) : path
        name = stem.split(separator: "/").last.map(String.init) ?? stem
        let points = try PointFile.read("\(stem)_particles.csv").inAngstroms(voxelSize: size, shape: shape).points
        let edge = voxelSize
        particles = points.map { point in
            TrueParticle(
                name: point.className ?? "", center: SIMD3(point.x, point.y, point.z) / edge,
                radius: (point.radiusInAngstroms ?? 0) / edge)
        }
    }

    /// The voxels of some classes, dilated by a voxel along each axis if asked for.
    func masks(dilated: Bool, where isIn: (UInt8) -> Bool) -> [Mask] {
        let masks = slices.map { $0.map(isIn) }
        guard dilated, let cross = try? StructuringElement(.cross, radius: 1) else { return masks }
        return masks.indices.map { z in
            var result = masks[z].dilated(by: cross)
            for neighbour in [z - 1, z + 1] where masks.indices.contains(neighbour) {
                for (index, value) in masks[neighbour].values.enumerated() where value {
                    result[y: index / result.width, x: index % result.width] = true
                }
            }
            return result
        }
    }

    /// A slice of a slab of another size: the tomogram repeated.
    func slice(_ z: Int, side: Int) -> Image<UInt8>? {
        let slice = slices[z % slices.count]
        let values = (0..<side * side).map { index in
            slice[y: index / side % slice.height, x: index % side % slice.width]
        }
        return Image(height: side, width: side, values: values)
    }
}

/// Labels whose header has no voxel size are none of `cellar simulate`.
struct NoVoxelSize: Error {
    let path: String
}
