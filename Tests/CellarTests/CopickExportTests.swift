import CellarKit
import Foundation
import TestSupport
import Testing

private let python = PythonProgram(running: "import copick, numpy, zarr")

/// Results in copick projects, and copick's projects in catalogs.
@Suite("cellar export copick") struct CopickExportTests {
    /// Results of a tomogram `t` of 40 × 32 × 6 voxels of 10 Å, and an empty copick project.
    private func scene(objects: [(name: String, isParticle: Bool, label: Int?, radius: Double?)]) throws -> HandmadeResults {
        let results = try HandmadeResults()
        try CopickFixture(results.folder).configure("copick.json", objects: objects)
        return results
    }

    private static let objects: [(name: String, isParticle: Bool, label: Int?, radius: Double?)] = [
        ("ribosome", true, 7, 125), ("membrane", false, 300, nil),
    ]

    @Test(
        "particles become picks of the run that bears the tomogram's name, in the user's name, and are replaced with --force only"
    )
    func picks() throws {
        let results = try scene(objects: Self.objects)
        try results.publishPicks()
        let export = ["export", "copick", "copick.json", "t", "--user", "me", "--session", "3"]
        let written = try results.cellar(export)
        #expect(written.status == 0, "\(written.errors)")
        let path = results.folder.file("overlay/ExperimentRuns/t/Picks/me_3_ribosome.json")
        #expect(written.output.contains("\(path): 2 points of ribosome, pick\n"), "\(written.output)")
        let points = try PointFile.read(path).points
        #expect(points.map { [$0.x, $0.y, $0.z, $0.score ?? 0] } == [[200, 160, 20, 0.9], [100, 100, 50, 0.4]])
        let again = try results.cellar(export)
        #expect(again.status == 1 && again.errors.contains("me_3_ribosome.json"), "\(again.errors)")
        #expect(try results.cellar(export + ["--force"]).status == 0)
        // What a project has is not read as truth unless its user is named.
        #expect(try results.cellar("export", "copick", "copick.json", "--dataset", "d").status == 0)
        // Of 1000 × 800 × 600 Å, so that the points lie inside.
        try CopickFixture(results.folder).tomogram("t", spacing: "100.000")
        let added = try results.cellar("add", "--copick", "copick.json", "--dataset", "back", "--users", "me")
        #expect(added.output == "added: 1 tomogram in back\nannotated: 1 annotation in back\n", "\(added.errors)")
    }

    @Test("an object that the project lacks is named with its entry, or made with the name of its class in its metadata")
    func objects() throws {
        let results = try scene(objects: [])
        try results.publishPicks()
        let refused = try results.cellar("export", "copick", "copick.json", "t")
        #expect(refused.status == 1 && refused.errors.contains("has no object ribosome"), "\(refused.errors)")
        #expect(refused.errors.contains(#""name":"ribosome","radius":50"#), "\(refused.errors)")
        let made = try results.cellar("export", "copick", "copick.json", "t", "--add-objects", "more.json")
        #expect(made.status == 0, "\(made.errors)")
        let text = try String(contentsOfFile: results.folder.file("more.json"), encoding: .utf8)
        #expect(text.contains("\"ribosome\"") && text.contains("overlay_fs_args"))
        #expect(try results.cellar("export", "copick", "more.json", "t", "--force").status == 0)
    }

    @Test("wrong names, and tomograms without results, are refused in a sentence, and nothing is written")
    func refusals() throws {
        let results = try scene(objects: Self.objects)
        let nothing = try results.cellar("export", "copick", "copick.json", "t")
        #expect(nothing.status == 1 && nothing.errors.contains("`cellar run --until"), "\(nothing.errors)")
        try results.publishPicks()
        for (arguments, sentence) in [
            (["--user", "a_b"], "write a-b"), (["--session", ""], "session"),
        ] {
            let refused = try results.cellar(["export", "copick", "copick.json", "t"] + arguments)
            #expect(refused.status == 1 && refused.errors.contains(sentence), "\(refused.errors)")
        }
        #expect(try results.cellar("export", "copick", "copick.json").status == 2)
        #expect(!FileManager.default.fileExists(atPath: results.folder.file("overlay")))
    }

    @Test("what copick reads back is what the catalog holds", .enabled(if: python != nil, PythonProgram.absence))
    func readByCopick() throws {
        let results = try scene(objects: Self.objects)
        try results.publishPicks()
        try results.publishSegmentation()
        let written = try results.cellar("export", "copick", "copick.json", "t", "--add-objects", "more.json")
        #expect(written.status == 0, "\(written.errors)")
        let script = """
            import copick, json, sys, numpy, zarr
            # copick's own reader of configurations takes no comments.
            text = "\\n".join(line for line in open(sys.argv[1]) if not line.strip().startswith("//"))
            open(sys.argv[2], "w").write(text)
            run = copick.from_file(sys.argv[2]).get_run("t")
            picks = run.get_picks(object_name="ribosome", user_id="cellar", session_id="0")
            assert len(picks) == 1, picks
            positions, transforms = picks[0].numpy()
            assert positions.tolist() == [[200, 160, 20], [100, 100, 50]], positions
            assert [p.score for p in picks[0].points] == [0.9, 0.4]
            found = run.get_segmentations(is_multilabel=True, user_id="cellar", session_id="0", voxel_size=10.0)
            assert [(s.name, s.voxel_size) for s in found] == [("segment", 10.0)], found
            labels = zarr.open(found[0].zarr(), mode="r")["0"][:]
            expected = numpy.zeros((6, 32, 40), int)
            expected[:, :, 10:20] = 300
            expected[:, :, 20:] = 7
            assert labels.shape == expected.shape and (labels == expected).all()
            print("as it is")
            """
        let output = try #require(python).run(
            ["-c", script, results.folder.file("copick.json"), results.folder.file("plain.json")])
        #expect(output == "as it is\n")
    }

    @Test("what copick writes is what the catalog holds", .enabled(if: python != nil, PythonProgram.absence))
    func writtenByCopick() throws {
        let folder = try TemporaryDirectory()
        let cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
        let script = """
            import copick, json, sys, numpy, os
            folder = sys.argv[1]
            json.dump({"config_type": "filesystem", "name": "p", "description": "", "version": "1.0", "pickable_objects": [
                {"name": "ribosome", "is_particle": True, "label": 2, "color": [0, 255, 0, 255], "radius": 125.0},
                {"name": "membrane", "is_particle": False, "label": 1, "color": [255, 0, 0, 255]}],
                "overlay_root": "local://" + folder + "/overlay", "overlay_fs_args": {"auto_mkdir": True}},
                open(folder + "/config.json", "w"))
            os.makedirs(folder + "/overlay")
            run = copick.from_file(folder + "/config.json").new_run("TS_1")
            voxels = numpy.arange(12 * 16 * 20, dtype="f4").reshape(12, 16, 20)
            run.new_voxel_spacing(10.0).new_tomogram("wbp").from_numpy(voxels)
            picks = run.new_picks("ribosome", "1", "alice")
            picks.from_numpy(numpy.array([[10.0, 20.0, 30.0], [100.0, 110.0, 50.0]]))
            picks.store()
            labels = numpy.zeros(voxels.shape, "u1")
            labels[:, :5] = 1
            labels[:, 10:] = 2
            run.new_segmentation(10.0, "all", "2", True, "bob").from_numpy(labels)
            run.new_segmentation(10.0, "membrane", "2", False, "bob").from_numpy((labels == 1).astype("u1"))
            """
        try #require(python).run(["-c", script, folder.path])
        let added = try cellar("add", "--copick", "config.json", "--dataset", "d")
        #expect(added.output == "added: 1 tomogram in d\nannotated: 3 annotations in d\n", "\(added.errors)")
        func answers(_ sql: String) throws -> [String] {
            let rows = try cellar("query", sql, "--format", "ndjson")
            #expect(rows.status == 0, "\(rows.errors)")
            return try rows.output.split(separator: "\n").flatMap { row in
                try (JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: String] ?? [:]).values.map { $0 }
            }
        }
        #expect(
            try answers(
                "SELECT printf('%s %d %d %d %g %s', name, size_x, size_y, size_z, voxel_size, voxel_size_source) FROM v_tomogram")
                == ["TS_1 20 16 12 10 header"])
        #expect(
            try answers("SELECT printf('%g %g %g', x, y, z) FROM annotation_point ORDER BY ordinal") == [
                "10 20 30", "100 110 50",
            ])
        #expect(
            try answers("SELECT printf('%s %s %s', classes, author, session) FROM v_annotation ORDER BY classes") == [
                "membrane bob 2", "membrane, ribosome bob 2", "ribosome alice 1",
            ])
    }
}
