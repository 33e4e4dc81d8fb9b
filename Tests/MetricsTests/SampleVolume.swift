import ImageProcessing
import Testing
import Volumes

/// A volume made of what a function says of each voxel, slice by slice.
struct SampleVolume {
    let shape: VolumeShape
    let slices: [Mask]

    init(z: Int, y: Int, x: Int, _ isForeground: (_ x: Int, _ y: Int, _ z: Int) -> Bool) throws {
        shape = try #require(VolumeShape(z: z, y: y, x: x))
        slices = try (0..<z).map { z in
            try #require(Mask(height: y, width: x, values: (0..<y * x).map { isForeground($0 % x, $0 / x, z) }))
        }
    }

    init(_ slices: [Mask]) throws {
        let first = try #require(slices.first)
        shape = try #require(VolumeShape(z: slices.count, y: first.height, x: first.width))
        self.slices = slices
    }

    var bits: BitVolume {
        get throws {
            var volume = try BitVolume(shape: shape)
            for slice in slices { try volume.append(slice) }
            return volume
        }
    }

    /// The slices as labels: `label` where there is foreground.
    func labels(_ label: UInt8 = 1) -> [Image<UInt8>] { slices.map { $0.bytes(foreground: label) } }
}

/// A voxel size that is known to be one.
func voxelSize(_ x: Double, _ y: Double, _ z: Double) throws -> VoxelSize {
    try #require(VoxelSize(xInAngstroms: x, yInAngstroms: y, zInAngstroms: z))
}
