import CHDF5
import Foundation
import TestSupport
import Testing

@testable import Volumes

/// A small sound file to damage.
struct FuzzSample {
    /// The name of the file; for a store, the file inside it that is damaged.
    let name: String
    let bytes: [UInt8]
    /// The bytes that are nothing but voxels: where only they change, shape and type must not.
    var voxels = 0..<0
    /// Where the numbers are that decide.
    var fields: Range<Int>
    var isText = false
    var isCompressed = false
}

extension FuzzSample {
    static func mrc() -> [FuzzSample] {
        func sample(_ change: (inout MRCFixture) -> Void) -> FuzzSample {
            var fixture = MRCFixture.ramp
            change(&fixture)
            let bytes = fixture.bytes
            return FuzzSample(
                name: "volume.mrc", bytes: bytes, voxels: bytes.count - fixture.voxels.count..<bytes.count, fields: 0..<224)
        }
        func integers(_ mode: Int32, axes: [Int32] = [1, 2, 3]) -> FuzzSample {
            sample {
                ($0.mode, $0.voxelSize, $0.axes) = (mode, mode == 0 ? 1 : 2, axes)
                $0.voxels = mode == 0 ? Array(0..<24) : MRCFixture.voxels((0..<24).map { Int16($0) })
            }
        }
        return [
            sample { _ in }, sample { $0.isLittleEndian = false }, sample { $0.extendedHeaderSize = 128 },
            sample { ($0.spaceGroup, $0.sampling) = (401, [4, 3, 1]) }, sample { $0.axes = [3, 1, 2] },
            integers(0), integers(1), integers(6, axes: [2, 1, 3]), integers(12),
            sample { ($0.mode, $0.voxels, $0.voxelSize) = (101, Array(0..<12), 1) },
        ]
    }

    /// The same volumes, damaged before they are compressed, or after.
    static func gzip() -> [FuzzSample] {
        mrc().flatMap { sample in
            var inside = sample
            inside.isCompressed = true
            let bytes = GzipFixture.member(sample.bytes, flags: 8) + GzipFixture.member([1, 2, 3])
            return [inside, FuzzSample(name: "volume.mrc.gz", bytes: bytes, fields: 0..<32)]
        }
    }

    static func tiff() -> [FuzzSample] {
        func sample(isBig: Bool = false, isLittleEndian: Bool = true, pages: Int = 1, _ change: (inout TIFFFixture.Page) -> Void)
            -> FuzzSample
        {
            var page = TIFFFixture.Page()
            page.resolution = ((1, 10), (1, 10), 3)
            change(&page)
            var fixture = TIFFFixture(isLittleEndian: isLittleEndian, isBig: isBig)
            fixture.pages = Array(repeating: page, count: pages)
            let (start, count) = (isBig ? 16 : 8, page.segments.reduce(0) { $0 + $1.count })
            let bytes = fixture.bytes
            // Directories stand behind the voxels of their page.
            return FuzzSample(name: "stack.tif", bytes: bytes, voxels: start..<start + count, fields: start + count..<bytes.count)
        }
        let ramp = (0..<24).map { UInt8($0) }
        let tile = (0..<512).map { UInt8(truncatingIfNeeded: $0) }
        return [
            sample { _ in }, sample(isLittleEndian: false, pages: 3) { _ in }, sample(isBig: true, pages: 2) { _ in },
            sample(isBig: true, isLittleEndian: false) { ($0.bits, $0.format, $0.segments) = (16, 2, [ramp]) },
            sample { ($0.rowsPerStrip, $0.segments) = (1, [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]) },
            sample(pages: 2) {
                ($0.bits, $0.compression, $0.predictor, $0.segments) = (16, 8, 2, [GzipFixture.deflated(ramp)])
            },
            sample { ($0.bits, $0.compression, $0.tile, $0.segments) = (16, 8, (16, 16), [GzipFixture.deflated(tile)]) },
            // LZW: clear, twelve literals, end, in codes of nine bits.
            sample { ($0.compression, $0.segments) = (5, [lzw([256] + Array(0..<12) + [257])]) },
            sample { $0.description = "ImageJ=1.53t\nimages=3\nslices=3\nunit=nm\nspacing=1.0\n" },
        ]
    }

    private static func lzw(_ codes: [Int]) -> [UInt8] {
        let bits = codes.flatMap { code in (0..<9).reversed().map { UInt8(code >> $0 & 1) } }
        return stride(from: 0, to: bits.count, by: 8).map { start in
            (start..<start + 8).reduce(0) { $0 << 1 | ($1 < bits.count ? bits[$1] : 0) }
        }
    }

    static func hdf5(in directory: TemporaryDirectory) throws -> [FuzzSample] {
        let values = (0..<4 * 6 * 8).map { UInt16(0x5a00 + $0) }
        let layouts: [(name: String, configure: (hid_t) -> Void)] = [
            ("plain", { _ in }), ("compact", { H5Pset_layout($0, H5D_COMPACT) }),
            ("chunked", { H5Pset_chunk($0, 3, [2, 4, 4]) }),
            (
                "deflate",
                {
                    H5Pset_chunk($0, 3, [2, 6, 8])
                    H5Pset_shuffle($0)
                    H5Pset_deflate($0, 1)
                }
            ),
        ]
        var samples = try layouts.map { layout in
            let fixture = HDF5Fixture(directory.file(layout.name))
            fixture.write("raw", [4, 6, 8], values, memoryType: chdf5_type_u16()) {
                layout.configure($0)
                // Equal bytes in every run.
                H5Pset_obj_track_times($0, false)
            }
            fixture.setAttribute("voxel_size", on: "raw", [10], isScalar: true)
            fixture.close()
            return try sample(directory.file(layout.name), values)
        }
        // The format of HDF5 1.10, whose metadata have checksums.
        let path = directory.file("latest")
        let file = try HDF5File.create(path)
        _ = try HDF5Dataset.create("raw", in: file, shape: [4, 6, 8], scalarType: .uint16, chunk: nil, compression: 0)
        try file.close()
        samples.append(try sample(path, values))
        return samples
    }

    private static func sample(_ path: String, _ values: [UInt16]) throws -> FuzzSample {
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        // Where the voxels lie in one piece, they are found by what they are.
        let pattern = values.withUnsafeBytes { Array($0) }
        let start = bytes.indices.dropLast(pattern.count - 1).first { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) }
        return FuzzSample(
            name: "volume.h5", bytes: bytes, voxels: start.map { $0..<$0 + pattern.count } ?? 0..<0, fields: 0..<bytes.count)
    }

    /// Files of points, one of each kind.
    static func points() -> [FuzzSample] {
        let csv = """
            # picks
            x [A],y [A],z [A],class,tomogram,score,rot,tilt,psi
            10.5,20.25,30,ribosome,TS_1,0.5,10,20,30
            1e2,-2.5,3,"apo, ferritin",TS_1,1,0,90,180
            """
        let star = """
            data_optics

            loop_
            _rlnOpticsGroup #1
            _rlnTomoTiltSeriesPixelSize #2
            1 1.96

            data_particles

            loop_
            _rlnTomoName #1
            _rlnCoordinateX #2
            _rlnCoordinateY #3
            _rlnCoordinateZ #4
            _rlnAngleRot #5
            _rlnAngleTilt #6
            _rlnAnglePsi #7
            _rlnOriginXAngst #8
            _rlnOriginYAngst #9
            _rlnOriginZAngst #10
            _rlnOpticsGroup #11
            TS_1 10 20 30 0 90 45 1.5 0 0 1
            'TS 2' 1e2 2 3 0 0 0 0 0 -2 1

            """
        let copick = """
            {"pickable_object_name": "ribosome", "user_id": "u", "session_id": "1", "run_name": "TS_1", "voxel_spacing": 10.0,
            "unit": "angstrom", "points": [{"location": {"x": 1.0, "y": 2.0, "z": 3.5}, "transformation_": [[1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]], "instance_id": 0, "score": 1.0}],
            "trust_orientation": true}
            """
        let relion5 = """
            data_global
            loop_
            _rlnTomoName #1
            _rlnTomoSizeX #2
            _rlnTomoSizeY #3
            _rlnTomoSizeZ #4
            _rlnTomoTiltSeriesPixelSize #5
            data_01 4096 4095 1200 1.35
            data_particles
            loop_
            _rlnTomoName #1
            _rlnCenteredCoordinateXAngst #2
            _rlnCenteredCoordinateYAngst #3
            _rlnCenteredCoordinateZAngst #4
            _rlnTomoSubtomogramRot #5
            _rlnTomoSubtomogramTilt #6
            _rlnTomoSubtomogramPsi #7
            data_01 -10.5 20 30 0 90 0
            'data 02' 1e2 2 -3 0 0 0

            data_empty
            loop_
            _rlnA #1

            """
        let portal = """
            {"type": "point", "location": {"x": 10, "y": 20.5, "z": 4}}
            {"type": "orientedPoint", "location": {"x": 1, "y": 2, "z": 3}, "xyz_rotation_matrix": [[0, -1, 0], [1, 0, 0], [0, 0, 1]]}
            {"type": "instancePoint", "location": {"x": -1e1, "y": 0, "z": 0}, "instance_id": 3}

            """
        let files = [
            ("points.csv", csv), ("particles.star", star), ("picks.json", copick), ("centred.star", relion5),
            ("points.ndjson", portal),
        ]
        return files.map { name, text in
            FuzzSample(name: name, bytes: Array(text.utf8), fields: 0..<text.utf8.count, isText: true)
        }
    }
}
