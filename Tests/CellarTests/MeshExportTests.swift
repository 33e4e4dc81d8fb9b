import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

/// Surfaces and balls as glb files: `cellar export mesh`.
@Suite struct MeshExportTests {
    private func content(_ results: HandmadeResults, _ name: String = "m.glb") throws -> GLBContent {
        try GLBContent([UInt8](Data(contentsOf: URL(fileURLWithPath: results.folder.file(name)))))
    }

    private func bounds(_ mesh: GLBContent.Mesh) -> (low: SIMD3<Float>, high: SIMD3<Float>) {
        mesh.positions.reduce((SIMD3(repeating: .infinity), SIMD3(repeating: -.infinity))) {
            (pointwiseMin($0.0, $1), pointwiseMax($0.1, $1))
        }
    }

    private func isClose(_ a: SIMD3<Float>, _ b: SIMD3<Float>, _ distance: Float = 0.5) -> Bool {
        let difference = a - b
        return (difference * difference).sum() < distance * distance
    }

    /// Volume and pieces of a mesh that has to be closed.
    private func closed(_ mesh: GLBContent.Mesh) -> MeshTopology {
        let topology = MeshTopology(mesh.positions, mesh.triangles)
        #expect(topology.isClosed, "\(mesh.name)")
        return topology
    }

    @Test("classes of a segmentation are closed surfaces in Å, of the colours of pictures; known particles are balls")
    func results() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        let missing = try cellar("export", "mesh", "t", "--output", "m.glb")
        #expect(missing.status == 1 && missing.errors.contains("segment has no result for t at hand"), "\(missing.errors)")
        try results.publishSegmentation()
        let surfaces = try cellar("export", "mesh", "t", "--output", "m.glb")
        #expect(surfaces.status == 0 && surfaces.errors.contains("is left out") == false, "\(surfaces.errors)")
        #expect(
            surfaces.output.hasPrefix("m.glb: membrane ") && surfaces.output.contains("; smoothed by 10.0 Å, grid of 1 voxel\n"))
        #expect(surfaces.output.contains("\n  segment of t by run "))
        let both = try content(results)
        try #require(both.meshes.map(\.name) == ["membrane", "ribosome"])
        // Membrane from x 10, ribosome from x 20 on, of 40 × 32 × 6 voxels of 10 Å: closed at the border of the tomogram.
        let (membrane, ribosome) = (both.meshes[0], both.meshes[1])
        #expect(isClose(bounds(membrane).low, SIMD3(95, -5, -5)) && isClose(bounds(membrane).high, SIMD3(195, 315, 55)))
        #expect(isClose(bounds(ribosome).low, SIMD3(195, -5, -5)) && isClose(bounds(ribosome).high, SIMD3(395, 315, 55)))
        let topology = closed(membrane)
        // Edges are bevelled by half a voxel.
        #expect(abs(topology.volume / (100 * 320 * 60) - 1) < 0.06 && topology.eulerCharacteristic == 2)
        #expect(both.extras["unit"] == "angstrom" && both.extras["tomogram"] == "t" && both.extras["voxel size"] == "10.0 Å")
        #expect(both.extras["source"]?.contains("segment of t by run ") == true)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: results.folder.file("m.glb")))

        // Not over a file that is there, unless that is wanted; the same bytes then.
        #expect(try cellar("export", "mesh", "t", "--output", "m.glb").errors.contains("--force"))
        #expect(try cellar("export", "mesh", "t", "--output", "m.glb", "--force").status == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: results.folder.file("m.glb"))) == bytes)

        try results.publishPicks()
        let balls = try cellar("export", "mesh", "t", "--output", "m.glb", "--force")
        #expect(balls.output.contains(", ribosome 2 balls of 320 triangles; smoothed by 10.0 Å"), "\(balls.output)")
        #expect(balls.output.contains("\n  pick of t by run ") && balls.output.contains("\n  segment of t by run "))
        let picked = try content(results)
        try #require(picked.meshes.map(\.name) == ["membrane", "ribosome"])
        #expect(picked.meshes.map(\.color) == both.meshes.map(\.color) && picked.meshes[0].color != picked.meshes[1].color)
        let particles = closed(picked.meshes[1])
        #expect(particles.pieces == 2 && picked.meshes[1].triangles.count == 640)
        // At (200, 160, 20) with 50 Å, and at (100, 100, 50) with 20 Å; 3.4 % less than a ball.
        #expect(abs(particles.volume / (4 / 3 * Double.pi * (125_000 + 8000)) - 0.966) < 0.01)
        #expect(isClose(bounds(picked.meshes[1]).low, SIMD3(80, 80, -30), 4))
        #expect(isClose(bounds(picked.meshes[1]).high, SIMD3(250, 210, 70), 4))

        let one = try cellar("export", "mesh", "t", "--class", "ribosome", "--output", "r.glb")
        #expect(one.output.hasPrefix("r.glb: ribosome 2 balls of 320 triangles\n  pick of t by run "), "\(one.output)")
        let only = try content(results, "r.glb")
        // The colour of a class does not depend on what is drawn beside it.
        #expect(only.meshes.map(\.name) == ["ribosome"] && only.meshes[0].color == both.meshes[1].color)
    }

    @Test("what cannot be drawn is refused with a sentence, and no file appears")
    func refusals() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        try results.publishSegmentation()
        let unknown = try cellar("export", "mesh", "t", "--class", "actin", "--output", "m.glb")
        #expect(
            unknown.status == 1
                && unknown.errors.contains("the results of t have no class actin; it is one of membrane, ribosome"),
            "\(unknown.errors)")
        let thin = try cellar("export", "mesh", "t", "--class", "membrane", "--smooth", "200", "--output", "m.glb")
        #expect(
            thin.status == 1 && thin.errors.contains("membrane is left out: it is too thin for a grid of 10 voxels"),
            "\(thin.errors)")
        for arguments in [
            ["--output", "m.mrc"], ["--output", "m"], ["--smooth", "nan", "--output", "m.glb"],
            ["--smooth", "-1", "--output", "m.glb"], ["--triangles", "10", "--output", "m.glb"],
        ] {
            #expect(try cellar(["export", "mesh", "t"] + arguments).status == 2, "\(arguments)")
        }
        #expect(try cellar("export", "mesh", "nobody", "--output", "m.glb").status == 1)
        let annotation = try cellar("export", "mesh", "t", "--annotation", "--output", "m.glb")
        #expect(annotation.status == 1 && annotation.errors.contains("t has no annotation; `cellar annotate t` adds one"))
        for name in ["m.glb", "m.mrc", "m"] { #expect(!FileManager.default.fileExists(atPath: results.folder.file(name))) }

        // Classes that are named and have no voxel.
        try results.publishSegmentation(classes: .string("membrane, ribosome, actin"))
        let absent = try cellar("export", "mesh", "t", "--class", "actin", "--output", "m.glb")
        #expect(absent.status == 1 && absent.errors.contains("actin is left out: no voxel of t is of that class"))
        let others = try cellar("export", "mesh", "t", "--output", "m.glb")
        #expect(others.status == 0 && others.errors.contains("actin is left out: no voxel of t is of that class"))
        #expect(try content(results).meshes.map(\.name) == ["membrane", "ribosome"])
    }

    @Test("a program gets the bytes, the grid and the number of triangles, which is at most the limit")
    func library() throws {
        let results = try HandmadeResults()
        try results.publishSegmentation()
        try results.publishPicks()
        let project = try Project(at: CatalogDirectory(path: results.folder.file(".cellar")))
        let fine = try project.mesh(of: "id:\(results.tomogramID)", classes: ["membrane"], smoothing: 0)
        #expect(fine.binning == 1 && fine.smoothing == 0 && fine.results.count == 1)
        for limit in [1000, 2000] {
            let coarse = try project.mesh(of: "t", triangles: limit)
            #expect(coarse.triangles <= limit && coarse.triangles < fine.triangles && coarse.binning > 1, "\(coarse.contents)")
            #expect(coarse.remarks.contains { $0.contains("a grid whose voxels are \(coarse.binning) of the tomogram's") })
            let content = try GLBContent(coarse.bytes)
            #expect(content.meshes.reduce(0) { $0 + $1.triangles.count } == coarse.triangles)
            for mesh in content.meshes { _ = closed(mesh) }
        }
        // Two balls of 320 triangles are more than half of 1000.
        #expect(try project.mesh(of: "t", triangles: 1000).remarks.contains { $0.contains("balls have 80 triangles each") })
        #expect(try project.mesh(of: "t", classes: ["ribosome"], triangles: 1000).remarks.isEmpty)
        for (smoothing, limit) in [(-1.0, 1000), (.nan, 1000), (1001, 1000), (0, 999), (0, Int.max)] {
            #expect(throws: CatalogError.self) { try project.mesh(of: "t", smoothing: smoothing, triangles: limit) }
        }
    }

    @Test("annotations are drawn by their label values and radii; of several with a class, the one that was added last counts")
    func annotations() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        let axes = HandmadeResults.shape
        let shape = try #require(VolumeShape(z: axes.z, y: axes.y, x: axes.x))
        for (name, end) in [("old.mrc", 15), ("new.mrc", 25)] {
            let writer = try MRCWriter(
                path: results.folder.file(name), shape: shape, scalarType: .uint8, voxelSize: VoxelSize(cubicInAngstroms: 10))
            let labels = (0..<shape.count).map { index -> UInt8 in (5..<end).contains(index % axes.x) ? 7 : 0 }
            try writer.append(#require(VoxelBuffer(shape: shape, values: labels)))
            try writer.finish()
            let added = try cellar("annotate", "t", "--labels", name, "--class", "membrane=7")
            #expect(added.status == 0, "\(added.errors)")
        }
        try results.folder.write("points.csv", Array("x [A],y [A],z [A]\n100,100,20\n200,150,30\n".utf8))
        try results.folder.write("marks.csv", Array("x [A],y [A],z [A]\n100,100,20\n".utf8))
        let added = try cellar("annotate", "t", "--points", "points.csv", "--class", "ribosome", "--radius", "40")
        #expect(added.status == 0, "\(added.errors)")
        // Collections give points whose radius nobody says; the command asks for it.
        _ = try Project(at: CatalogDirectory(path: results.folder.file(".cellar"))).annotate(
            "t", with: .points(results.folder.file("marks.csv"), classes: ["mark"], radiusInAngstroms: nil, convention: nil))
        let written = try cellar("export", "mesh", "t", "--annotation", "--smooth", "0", "--output", "m.glb")
        #expect(written.status == 0 && written.output.contains("ribosome 2 balls of 320 triangles"), "\(written.errors)")
        #expect(written.errors.contains("mark is left out: nobody says how large its particles are"), "\(written.errors)")
        let content = try content(results)
        try #require(content.meshes.map(\.name) == ["membrane", "ribosome"])
        #expect(isClose(bounds(content.meshes[0]).low, SIMD3(45, -5, -5)))
        #expect(isClose(bounds(content.meshes[0]).high, SIMD3(245, 315, 55)))
        #expect(closed(content.meshes[1]).pieces == 2)
        #expect(content.extras["source"] == "the annotations of t")
    }

    @Test("without a network's result, pseudo-labels are drawn, and it is said that they cover a part")
    func pseudoLabels() throws {
        let results = try HandmadeResults()
        // The slab is z 1..<3.
        try results.publish(
            "pseudo-labels", .slab, of: 1,
            artifacts: [
                (
                    "labels", "pseudo-labels",
                    { artifact in
                        try artifact.write("classes", shape: [2, 32, 40], values: [UInt8](repeating: 1, count: 2560))
                    }
                )
            ])
        let written = try results.cellar("export", "mesh", "t", "--smooth", "0", "--output", "m.glb")
        #expect(written.status == 0, "\(written.errors)")
        #expect(written.errors.contains("pseudo-labels cover 2 of 6 slices of t"), "\(written.errors)")
        let content = try content(results)
        try #require(content.meshes.map(\.name) == ["membrane"])
        #expect(isClose(bounds(content.meshes[0]).low, SIMD3(-5, -5, 5)))
        #expect(isClose(bounds(content.meshes[0]).high, SIMD3(395, 315, 25)))
        _ = closed(content.meshes[0])
    }

    @Test("lengths are by the voxel size of the results, and results of two voxel sizes are not drawn together")
    func voxelSizes() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        func inputs(_ size: String) throws -> [ItemOutcome.Input] {
            try results.publish("calibrate", key: size, values: ["voxel-size": "[\(size),\(size),\(size)]"])
            return [.init(name: "calibrate.voxel-size", digest: try HandmadeResults.digest("calibrate\(size)"), value: nil)]
        }
        try results.publishSegmentation(inputs: inputs("10.0"))
        #expect(try cellar("add", "t.mrc", "--dataset", "d", "--voxel-size", "25").status == 0)
        let old = try cellar("export", "mesh", "t", "--class", "membrane", "--output", "m.glb")
        #expect(
            old.errors.contains("t has the voxel size 25.0 Å today: lengths are written by that of segment, 10.0 Å"),
            "\(old.errors)")
        #expect(isClose(bounds(try content(results).meshes[0]).high, SIMD3(195, 315, 55)))
        try results.publishPicks(inputs: inputs("25.0"))
        let both = try cellar("export", "mesh", "t", "--output", "b.glb")
        #expect(
            both.status == 1 && both.errors.contains("were computed with several voxel sizes (10.0 Å and 25.0 Å)"),
            "\(both.errors)")
        #expect(try cellar("export", "mesh", "t", "--class", "ribosome", "--output", "b.glb").status == 0)
    }
}
