import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

private let python = PythonProgram(running: "import numpy, numcodecs")

/// Small files, each of which shows a fault that users of the field's programs reported: what the program says of them.
@Suite(
    "A file with a reported fault",
    .enabled(if: SharedData.cases != nil && python != nil, PythonProgram.absence))
struct ReportedFaultTests {
    /// The files in a folder, and an empty project beside them.
    private struct Scene {
        private let scene: CommandScene

        init() throws {
            scene = try CommandScene()
            try #require(python).run([try #require(SharedData.cases), scene.directory.file("cases")])
        }

        func file(_ name: String) -> String { scene.directory.file("cases/\(name)") }

        func cellar(_ arguments: String...) -> CommandScene.Result { scene.run(arguments) }

        func add(_ name: String, _ options: String...) -> CommandScene.Result {
            scene.run(["add", file(name), "--dataset", "d"] + options)
        }

        /// Annotates with points of the class ribosome.
        func annotate(_ tomogram: String, _ points: String) -> CommandScene.Result {
            cellar("annotate", tomogram, "--points", file(points), "--class", "ribosome", "--radius", "100")
        }

        func voxels(_ name: String) throws -> [Float] {
            let volume = try VolumeLocation(path: file(name)).open()
            return try volume.read(#require(volume.shape.slices(0..<volume.shape.z))).floats()
        }
    }

    @Test("a store of the portal has the voxels of the MRC beside it")
    func portal() throws {
        let scene = try Scene()
        #expect(try scene.voxels("portal.zarr") == scene.voxels("volume.mrc"))
        #expect(try scene.voxels("memcpyed.zarr") == Array(repeating: 1, count: 512))
        #expect(scene.add("portal.zarr").status == 0)
        let flat = scene.add("memcpyed.zarr", "--name", "flat")
        #expect(flat.status == 0 && flat.errors.contains("perhaps a placeholder"), "\(flat)")
        #expect(
            scene.cellar(
                "query", "SELECT size_z, size_x, voxel_size, voxel_size_source FROM v_tomogram WHERE name = 'portal'", "--format",
                "csv"
            )
            .output
                == "size_z,size_x,voxel_size,voxel_size_source\n16,64,10.0,header\n")
    }

    @Test("a store that lacks a chunk is refused until somebody says that it is meant so")
    func missingChunk() throws {
        let scene = try Scene()
        let refused = scene.add("missing.zarr")
        #expect(refused.status == 1 && refused.errors.contains("7 of 8 chunks"), "\(refused)")
        #expect(refused.errors.contains("--allow-missing"), "\(refused)")
        let added = scene.add("missing.zarr", "--allow-missing")
        #expect(added.status == 0 && added.errors.contains("7 of 8 chunks"), "\(added)")
    }

    @Test("a store that a stopped program left says what it is")
    func claimed() throws {
        let scene = try Scene()
        let refused = scene.add("claimed.zarr")
        #expect(refused.status == 1 && refused.errors.contains("claimed.zarr"), "\(refused)")
        #expect(refused.errors.contains("holds no array"), "\(refused)")
    }

    @Test("an extended header that is not there is noted, and the voxels are right")
    func extendedHeader() throws {
        let scene = try Scene()
        #expect(try scene.voxels("extended.mrc") == (0..<512).map { Float($0) })
        let added = scene.add("extended.mrc")
        #expect(added.status == 0 && added.errors.contains("1024"), "\(added)")
    }

    @Test("IMOD's mask of signed bytes is a mask of 0 and 1")
    func signedMask() throws {
        let scene = try Scene()
        #expect(scene.add("volume.mrc").status == 0)
        let ones = try scene.voxels("volume.mrc").count { $0 > 2 }
        let annotated = scene.cellar("annotate", "volume", "--labels", scene.file("imod_mask.mrc"), "--class", "membrane")
        #expect(annotated.status == 0 && ones > 0, "\(annotated)")
        #expect(!annotated.errors.contains("no voxel"), "\(annotated)")
    }

    @Test("points outside of the tomogram are refused with the likely cause, and those inside lie where they say")
    func placement() throws {
        let scene = try Scene()
        #expect(scene.add("cube.mrc").status == 0)
        let outside = scene.annotate("cube", "outside.star")
        #expect(outside.status == 1 && outside.errors.contains("--pixel-size"), "\(outside)")
        let inside = scene.annotate("cube", "inside.star")
        #expect(inside.status == 0, "\(inside)")
        #expect(points(scene) == "900.0,900.0,90.0\n")
    }

    private func points(_ scene: Scene) -> String {
        let rows = scene.cellar(
            "query", "SELECT x, y, z FROM annotation_point ORDER BY annotation_id, ordinal", "--format", "csv")
        return rows.output.split(separator: "\n").dropFirst().map { "\($0)\n" }.joined()
    }

    @Test("Warp's names belong to the files that Warp wrote")
    func warp() throws {
        let scene = try Scene()
        #expect(scene.add("TS_001_10.00Apx.mrc").status == 0)
        let annotated = scene.annotate("TS_001_10.00Apx", "warp.star")
        #expect(annotated.status == 0 && annotated.output.contains("1 point of"), "\(annotated)")
    }

    @Test("a name that begins like a keyword of STAR is a name")
    func keyword() throws {
        let scene = try Scene()
        #expect(scene.add("data_01.mrc").status == 0)
        let annotated = scene.annotate("data_01", "loops.star")
        #expect(annotated.status == 0 && annotated.output.contains("2 points"), "\(annotated)")
    }

    @Test("a tomogram that is named by a number is found by its name")
    func numbers() throws {
        let scene = try Scene()
        #expect(scene.add("2.mrc").status == 0)
        #expect(scene.add("1.mrc").status == 0)
        #expect(scene.cellar("slab", "add", "2", "--z", "4..<8").output == "slab 1: 2, slices 4..<8\n")
    }

    @Test("points of the portal are voxels")
    func ndjson() throws {
        let scene = try Scene()
        #expect(scene.add("volume.mrc").status == 0)
        let annotated = scene.annotate("volume", "points.ndjson")
        #expect(annotated.status == 0 && annotated.output.contains("2 points"), "\(annotated)")
        #expect(points(scene) == "10.0,20.0,4.0\n1.0,2.0,3.0\n")
    }
}
