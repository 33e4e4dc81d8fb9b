import Basics
import Foundation
import TestSupport
import Testing
import Volumes

@Suite("Real zarr stores", .enabled(if: SharedData.isPresent, SharedData.absence))
struct ZarrRealDataTests {
    private static let neuroglancer = SharedData.file("google+neuroglancer/testdata/datasource/zarr")

    /// The arrays of two and three axes, with what zarr-python 3.1.6 reads: the first and the last value, and the sum.
    private static let arrays: [(path: String, shape: [Int], first: Int, last: Int, sum: Int)] = [
        ("ome_zarr/simple_0.4:scale0/image", [1, 10, 10], 0, 99, 4950),
        ("ome_zarr/simple_0.4:scale1/image", [1, 5, 5], 2, 86, 1085),
        ("ome_zarr/simple_0.4:/scale2/image", [1, 2, 2], 5, 42, 94), ("ome_zarr/simple_0.5", [1, 10, 10], 0, 99, 4950),
        ("ome_zarr/simple_0.5:/scale1/image", [1, 5, 5], 2, 86, 1085),
        ("ome_zarr/simple_0.5:scale2/image", [1, 2, 2], 5, 42, 94),
        ("zarr_v2/from_zarr-python/data.zarr/2d.chunked.i2", [1, 2, 2], 1, 4, 10),
        ("zarr_v2/from_zarr-python/data.zarr/2d.chunked.ragged.i2", [1, 3, 3], 1, 9, 45),
        ("zarr_v2/from_zarr-python/data.zarr/2d.contiguous.i2", [1, 2, 2], 1, 4, 10),
        ("zarr_v2/from_zarr-python/data.zarr/3d.chunked.i2", [3, 3, 3], 0, 26, 351),
        ("zarr_v2/from_zarr-python/data.zarr/3d.chunked.mixed.i2.C", [3, 3, 3], 0, 26, 351),
        ("zarr_v2/from_zarr-python/data.zarr/3d.chunked.mixed.i2.F", [3, 3, 3], 0, 26, 351),
        ("zarr_v2/from_zarr-python/data.zarr/3d.contiguous.i2", [3, 3, 3], 0, 26, 351),
        ("zarr_v3/examples/single_res", [1, 6, 7], 0, 41, 861),
        ("zarr_v3/from_zarrita/data.zarr/2d.chunked.compressed.sharded.filled.i2", [1, 4, 4], 0, 15, 120),
        ("zarr_v3/from_zarrita/data.zarr/2d.chunked.compressed.sharded.i2", [1, 4, 4], 1, 16, 136),
        ("zarr_v3/from_zarrita/data.zarr/2d.chunked.i2", [1, 2, 2], 1, 4, 10),
        ("zarr_v3/from_zarrita/data.zarr/2d.chunked.ragged.compressed.sharded.i2", [1, 3, 3], 1, 9, 45),
        ("zarr_v3/from_zarrita/data.zarr/2d.chunked.ragged.i2", [1, 3, 3], 1, 9, 45),
        ("zarr_v3/from_zarrita/data.zarr/2d.contiguous.compressed.sharded.i2", [1, 2, 2], 1, 4, 10),
        ("zarr_v3/from_zarrita/data.zarr/2d.contiguous.i2", [1, 2, 2], 1, 4, 10),
        ("zarr_v3/from_zarrita/data.zarr/3d.chunked.compressed.sharded.i2", [4, 4, 4], 0, 63, 2016),
        ("zarr_v3/from_zarrita/data.zarr/3d.chunked.i2", [3, 3, 3], 0, 26, 351),
        ("zarr_v3/from_zarrita/data.zarr/3d.chunked.mixed.compressed.sharded.i2", [3, 3, 3], 0, 26, 351),
        ("zarr_v3/from_zarrita/data.zarr/3d.chunked.mixed.i2.C", [3, 3, 3], 0, 26, 351),
        // zarr-python refuses its "order": "F"; the values are those of the array beside it.
        ("zarr_v3/from_zarrita/data.zarr/3d.chunked.mixed.i2.F", [3, 3, 3], 0, 26, 351),
        ("zarr_v3/from_zarrita/data.zarr/3d.contiguous.compressed.sharded.i2", [3, 3, 3], 0, 26, 351),
        ("zarr_v3/from_zarrita/data.zarr/3d.contiguous.i2", [3, 3, 3], 0, 26, 351),
    ]

    @Test("neuroglancer's arrays have the values that zarr-python reads")
    func values() throws {
        for array in Self.arrays {
            let volume = try VolumeLocation(parsing: "\(Self.neuroglancer)/\(array.path)").open()
            #expect([volume.shape.z, volume.shape.y, volume.shape.x] == array.shape, "\(array.path)")
            let voxels = try volume.read(volume.shape.box).floats().map { Int($0) }
            #expect(voxels.first == array.first && voxels.last == array.last, "\(array.path): \(voxels)")
            #expect(voxels.reduce(0, +) == array.sum, "\(array.path): \(voxels)")
        }
    }

    @Test("neuroglancer's images have their voxel sizes")
    func voxelSizes() throws {
        for store in ["simple_0.4", "simple_0.5"] {
            for (level, factor) in [(0, 1.0), (1, 2), (2, 4)] {
                let path = "\(Self.neuroglancer)/ome_zarr/\(store):/scale\(level)/image"
                let header = try VolumeLocation(parsing: path).open().header
                #expect(
                    header.voxelSize
                        == VoxelSize(xInAngstroms: 300 * factor, yInAngstroms: 40 * factor, zInAngstroms: 300 * factor))
            }
        }
    }

    @Test("what is not read is refused for a reason: one axis, texts, objects, folders of other kinds")
    func refused() throws {
        for store in ["zarr_v2/from_zarr-python/data.zarr", "zarr_v3/from_zarrita/data.zarr"] {
            let path = "\(Self.neuroglancer)/\(store)"
            let known = Set(Self.arrays.map { $0.path.split(separator: "/").last ?? "" })
            for name in try FileManager.default.contentsOfDirectory(atPath: path)
            where !known.contains(name[...]) && !name.hasPrefix(".") && name != "zarr.json" {
                #expect(
                    performing: {
                        _ = try ZarrVolume(path: path, array: name)
                    },
                    throws: { error in
                        guard let error = error as? VolumeError, error.code == .unsupported else { return false }
                        return error.message.contains("1 axes") || error.message.contains("elements of type")
                    })
            }
        }
        #expect(throws: VolumeError.self) { try VolumeLocation(path: "\(Self.neuroglancer)/ome_zarr/simple_0.5.ocdbt").open() }
        #expect(throws: VolumeError.self) { try VolumeLocation(path: "\(Self.neuroglancer)/ome_zarr/simple_0.5.zip").open() }
    }

    @Test(
        "drafts of OME-Zarr 0.6: scales are the voxel size, other transformations are noted; a text in a chunk's place is refused"
    )
    func drafts() throws {
        func volume(_ name: String) throws -> any Volume {
            try VolumeLocation(path: "\(Self.neuroglancer)/ome_zarr/all_0.6/\(name).zarr").open()
        }
        for name in ["basic/scale", "basic/sequenceScaleTranslation", "simple/anisotropic_rotation"] {
            let header = try volume(name).header
            // Micrometres are no voxel size of this field, which shows that the scale and the unit were read.
            let size = name.contains("rotation") ? "2500.0 × 5000.0 × 20000.0" : "20000.0 × 30000.0 × 40000.0"
            #expect(header.notes == ["the voxel size was ignored: \(size) Å is not plausible"], "\(name)")
        }
        for name in ["rotation", "affine"] {
            let header = try volume("simple/\(name)").header
            #expect(header.voxelSize == nil && header.notes.contains { $0.contains("is not read") }, "\(name)")
        }
        let whole = try volume("simple/anisotropic_rotation")
        #expect(whole.shape == VolumeShape(z: 27, y: 226, x: 186))
        #expect(try whole.read(whole.shape.box).bytes.reduce(0) { $0 + Int($1) } == 40_784_917)
        // In the others, a link to the chunk became a file with its text.
        let text = try volume("basic/scale")
        #expect { try text.readSlice(z: 0) } throws: {
            ($0 as? VolumeError)?.message.contains("compressed bytes cannot hold") == true
        }
    }

    @Test("the portal's store: 4 x 4 x 4 voxels in a chunk of 256 x 256 x 256")
    func portal() throws {
        let path = SharedData.file(
            "chanzuckerberg+cryoet-data-portal-backend/test_infra/test_files/input_bucket/sample_tomos/input_omezarr.zarr")
        let volume = try VolumeLocation(path: path).open()
        #expect(volume.shape == VolumeShape(z: 4, y: 4, x: 4) && volume.scalarType == .float32)
        let voxels = try volume.read(volume.shape.box).floats()
        // Its axes are named x, y, z, though the portal stores z, y, x: rows have the values 1 to 4.
        let plane: [Float] = [1, 2, 3, 4].flatMap { Array(repeating: $0, count: 4) }
        let expected = plane + plane + plane + plane
        #expect(voxels == expected)
        #expect(volume.header.notes.contains { $0.contains("named x, y, z") })
        #expect(volume.header.voxelSize == VoxelSize(cubicInAngstroms: 14.08))
        #expect(try volume.storedChunks() == StoredChunks(stored: 1, total: 1))
    }
}
