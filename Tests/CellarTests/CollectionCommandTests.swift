import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

/// Collections as they are: copick projects, the CryoET Data Portal's folders, tables, and trees of thousands of files.
@Suite("cellar add, of a collection") struct CollectionCommandTests {
    private let scene: CommandScene
    private var directory: TemporaryDirectory { scene.directory }

    init() throws { scene = try CommandScene() }

    private func run(_ arguments: String...) -> CommandScene.Result { scene.run(arguments) }

    /// The rows of a question, cells with commas between.
    private func rows(_ sql: String) -> [String] {
        let result = run("query", sql.replacing("\n", with: " "), "--format", "csv")
        #expect(result.status == 0, "\(result)")
        return result.output.split(separator: "\n").dropFirst().map(String.init)
    }

    /// Writes an MRC volume of 10 × 8 × 6 voxels, or of another size.
    private func volume(
        _ name: String, voxelSize: Double? = 10, x: Int = 10, value: ((Int) -> Float)? = nil, labels: Bool = false
    ) throws {
        let shape = try #require(VolumeShape(z: 6, y: 8, x: x))
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: directory.file(name)).deletingLastPathComponent(), withIntermediateDirectories: true)
        let writer = try MRCWriter(
            path: directory.file(name), shape: shape, scalarType: labels ? .int8 : .float32,
            voxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) })
        let values = (0..<shape.count).map { value?($0) ?? Float($0 % 89) }
        try writer.append(
            #require(
                labels ? VoxelBuffer(shape: shape, values: values.map { Int8($0) }) : VoxelBuffer(shape: shape, values: values)))
        try writer.finish()
    }

    // MARK: copick

    private func project() throws -> String {
        let copick = CopickFixture(directory)
        let path = try copick.configure(
            "copick.json",
            objects: [("ribosome", true, 2, 125), ("membrane", false, 1, nil), ("apo-ferritin", true, 3, nil)])
        try copick.tomogram("TS_1")
        try copick.tomogram("TS_1", type: "denoised")
        try copick.tomogram("TS_1", type: "denoised", root: "overlay", values: (0..<480).map { Float($0) })
        try copick.tomogram("TS_1", type: "wbp_sobel_features")
        try copick.tomogram("TS_2", spacing: "10.000")
        try copick.tomogram("TS_2", spacing: "20.000")
        try copick.picks("TS_1", "alice_1_ribosome", points: [[10, 20, 30], [40, 50, 10]])
        try copick.picks("TS_1", "alice_1_ribosome", root: "static", points: [[1, 1, 1]])
        try copick.picks("TS_1", "bob_2_ribosome", points: nil)
        try copick.picks("TS_1", "cellar_0_ribosome", points: [[1, 1, 1]])
        try copick.picks("TS_1", "alice_1_virus", points: [[1, 1, 1]])
        try copick.segmentation("TS_1", "10.000_bob_5_membrane") { $0 < 3 ? 7 : 0 }
        try copick.segmentation("TS_1", "10.000_bob_5_all-multilabel") { $0 < 3 ? 1 : $0 < 5 ? 2 : 0 }
        try copick.segmentation("TS_1", "20.000_bob_5_membrane") { _ in 1 }
        try copick.segmentation("TS_2", "20.000_bob_5_membrane", depth: 4) { _ in 1 }
        return path
    }

    @Test("a copick project comes with runs, types and spacings as names, evidence of voxel sizes, picks and segmentations")
    func copick() throws {
        let added = run("add", "--copick", try project(), "--dataset", "d")
        #expect(added.status == 0, "\(added)")
        #expect(added.output == "added: 4 tomograms in d\nannotated: 8 annotations in d\n", "\(added)")
        #expect(
            rows(
                """
                SELECT printf('%s %g %s %s %s %s', name, voxel_size, voxel_size_source, meta ->> 'copick_run', meta ->> 'copick_tomo_type',
                    meta ->> 'copick_voxel_spacing') FROM v_tomogram ORDER BY name
                """) == [
                    "TS_1_denoised 10 folder TS_1 denoised 10.000", "TS_1_wbp 10 folder TS_1 wbp 10.000",
                    "TS_2_10.000 10 folder TS_2 wbp 10.000", "TS_2_20.000 20 folder TS_2 wbp 20.000",
                ])
        #expect(
            rows("SELECT path LIKE '%overlay%' FROM v_tomogram WHERE name = 'TS_1_denoised'") == ["1"])
        #expect(
            rows(
                """
                SELECT printf('%s %s %s %d %s %s', kind, classes, convention, points, author, session) FROM v_annotation
                WHERE tomogram = 'TS_1_wbp' ORDER BY author, session, classes
                """) == [
                    "points ribosome angstrom 2 alice 1", "points ribosome angstrom 0 bob 2",
                    "labels membrane  0 bob 5", "\"labels membrane, ribosome  0 bob 5\"",
                ])
        #expect(
            rows("SELECT DISTINCT radius_angstrom FROM annotation_class WHERE name = 'ribosome' AND value IS NULL") == ["125.0"])
        // A mask's own value counts.
        #expect(rows("SELECT DISTINCT value FROM annotation_class WHERE name = 'membrane' ORDER BY value") == ["1", "7"])
        for sentence in [
            "cellar_0_ribosome.json is left out: it is a result of Cellar", "has no object virus",
            "TS_1/Segmentations/20.000_bob_5_membrane.zarr is left out: no tomogram of TS_1 has the voxel spacing 20.000",
            "TS_2/Segmentations/20.000_bob_5_membrane.zarr is left out: it has 10 × 8 × 4 voxels",
        ] { #expect(added.errors.contains(sentence), "\(added.errors)") }
        // Again: nothing changes.
        #expect(
            run("add", "--copick", directory.file("copick.json"), "--dataset", "d").output.hasPrefix(
                "unchanged: 4 tomograms in d\n"))
    }

    @Test("of a copick project, runs, spacings, types and users are chosen")
    func copickSelection() throws {
        let path = try project()
        let some = run(
            "add", "--copick", path, "--dataset", "d", "--runs", "TS_1,TS_2", "--tomogram-type", "wbp", "--voxel-spacing", "10",
            "--users", "alice")
        #expect(some.output == "added: 2 tomograms in d\nannotated: 1 annotation in d\n", "\(some)")
        #expect(rows("SELECT name FROM v_tomogram ORDER BY name") == ["TS_1", "TS_2"])
        let none = run("add", "--copick", path, "--dataset", "d", "--runs", "TS_3")
        #expect(none.status == 1 && none.errors.contains("has no run TS_3; it has TS_1, TS_2"), "\(none)")
        #expect(run("add", "--copick", path, "--dataset", "d", "--tomogram-type", "x").status == 1)
        #expect(run("add", "--runs", "TS_1", "a.mrc", "--dataset", "d").status == 2)
    }

    @Test("picks without a radius are refused with the option that gives it, and nothing is added")
    func copickRadius() throws {
        let path = try project()
        let copick = CopickFixture(directory)
        try copick.picks("TS_1", "alice_1_apo-ferritin", points: [[10, 10, 10]])
        let refused = run("add", "--copick", path, "--dataset", "d")
        #expect(refused.status == 1 && refused.errors.contains("--radius 'apo-ferritin=Å'"), "\(refused)")
        #expect(rows("SELECT count(*) FROM v_tomogram") == ["0"])
        #expect(run("add", "--copick", path, "--dataset", "d", "--no-annotations").status == 0)
        #expect(run("add", "--copick", path, "--dataset", "d", "--radius", "apo-ferritin=60").status == 0)
        #expect(rows("SELECT DISTINCT radius_angstrom FROM annotation_class WHERE name = 'apo-ferritin'") == ["60.0"])
    }

    // MARK: The portal

    private func portal() throws {
        for (run, numbers) in [("r_1", ["100"]), ("r_2", ["100", "101"])] {
            let spacing = "10301/\(run)/Reconstructions/VoxelSpacing13.480"
            for number in numbers {
                try volume("\(spacing)/Tomograms/\(number)/\(run).mrc", voxelSize: number == "101" ? 15 : nil)
                try directory.write(
                    "\(spacing)/Tomograms/\(number)/tomogram_metadata.json",
                    Array(#"{"voxel_spacing": 13.4, "processing": "denoised", "reconstruction_method": "WBP"}"#.utf8))
            }
            let annotations = "\(spacing)/Annotations"
            try directory.write(
                "\(annotations)/100/membrane-1.0.json",
                Array(
                    #"{"annotation_object": {"name": "membrane"}, "authors": [{"name": "A", "primary_author_status": true}]}"#
                        .utf8))
            try volume(
                "\(annotations)/100/membrane-1.0_segmentationmask.mrc", voxelSize: 13.48, value: { Float($0 % 2) }, labels: true)
            try volume("\(annotations)/100/membrane-1.0_instancesegmentationmask.mrc")
            try directory.write(
                "\(annotations)/101/cytosolic_ribosome-1.0.json",
                Array(#"{"annotation_object": {"name": "cytosolic ribosome"}}"#.utf8))
            try directory.write(
                "\(annotations)/101/cytosolic_ribosome-1.0_point.ndjson",
                Array("{\"type\": \"point\", \"location\": {\"x\": 1, \"y\": 2, \"z\": 3}}".utf8))
        }
    }

    @Test("the portal's folders are known by their layout, and named, annotated and measured by their documents")
    func portalLayout() throws {
        try portal()
        let refused = run("add", directory.file("10301"), "--dataset", "d")
        #expect(refused.status == 1 && refused.errors.contains("--radius 'cytosolic ribosome=Å'"), "\(refused)")
        let added = run("add", directory.file("10301"), "--dataset", "d", "--radius", "cytosolic ribosome=125")
        #expect(added.output == "added: 3 tomograms in d\nannotated: 6 annotations in d\n", "\(added)")
        #expect(added.errors.contains("the header says 15.0 Å, its metadata 13.4 Å, its folder 13.48 Å; the header's is used"))
        #expect(added.errors.contains("it numbers instances"))
        #expect(
            rows("SELECT printf('%s %g %s', name, voxel_size, voxel_size_source) FROM v_tomogram ORDER BY name") == [
                "r_1 13.4 metadata", "r_2-100 13.4 metadata", "r_2-101 15 header",
            ])
        #expect(
            rows("SELECT meta ->> 'portal_run' || ' ' || (meta ->> 'portal_processing') FROM v_tomogram WHERE name = 'r_2-100'")
                == ["r_2 denoised"])
        #expect(
            rows("SELECT printf('%s %s %d %s', classes, convention, points, author) FROM v_annotation WHERE tomogram = 'r_1'")
                == [
                    "membrane  0 A", "cytosolic ribosome voxel 1 ",
                ])
        let findings = run("doctor")
        #expect(
            findings.output.contains("d/r_2-101: the header says 15.0 Å, the folder 13.48 Å; the header's is used"), "\(findings)"
        )
        // One run, and one that is none.
        #expect(run("add", "--portal", directory.file("10301/r_1"), "--dataset", "e", "--no-annotations").status == 0)
        #expect(rows("SELECT name FROM v_tomogram WHERE dataset = 'e'") == ["r_1"])
        #expect(run("add", "--portal", directory.file("project"), "--dataset", "e").errors.contains("Reconstructions"))
    }

    // MARK: Many at once

    @Test("a table names tomograms, datasets and voxel sizes, and a wrong row says its line")
    func manifest() throws {
        try volume("t/a.mrc")
        try volume("t/b.mrc")
        try directory.write("t/good.csv", Array("path,name,dataset,voxel_size,grid\na.mrc,first,d,12.5,A3\nb.mrc,,e,,\n".utf8))
        #expect(
            run("add", "--manifest", directory.file("t/good.csv")).output == "added: 1 tomogram in d\nadded: 1 tomogram in e\n")
        #expect(
            rows("SELECT printf('%s/%s %g %s', dataset, name, voxel_size, meta) FROM v_tomogram ORDER BY dataset")
                == [#""d/first 12.5 {""grid"":""A3""}""#, "e/b 10 {}"])
        try directory.write("t/bad.csv", Array("path,dataset,voxel_size\na.mrc,f,ten\nb.mrc,f,\nmissing.mrc,f,\nb.mrc,,\n".utf8))
        let bad = run("add", "--manifest", directory.file("t/bad.csv"))
        #expect(bad.status == 1 && bad.errors.contains("bad.csv, line 2: \"ten\" is no voxel size"), "\(bad)")
        #expect(bad.errors.contains("bad.csv, line 5 (b.mrc) has no dataset"), "\(bad)")
        #expect(rows("SELECT count(*) FROM v_tomogram WHERE dataset = 'f'") == ["0"])
        #expect(run("add", "--manifest", directory.file("t/bad.csv"), "--keep-going").output == "added: 1 tomogram in f\n")
    }

    @Test("a dry run says what would be done, and does nothing")
    func dryRun() throws {
        try volume("a.mrc")
        try volume("b.mrc")
        #expect(run("add", directory.file("a.mrc"), "--dataset", "d").status == 0)
        let trial = run(
            "add", directory.file("a.mrc"), directory.file("b.mrc"), "--dataset", "d", "--voxel-size", "12", "--dry-run")
        #expect(trial.status == 0 && trial.output.contains("would be updated: d/a ("), "\(trial)")
        #expect(trial.output.hasSuffix("would be added: 1 tomogram in d\nwould be updated: 1 tomogram in d\n"), "\(trial)")
        #expect(rows("SELECT printf('%s %g', name, voxel_size) FROM v_tomogram") == ["a 10"])
        #expect(run("add", directory.file("c.mrc"), "--dataset", "d", "--dry-run").status == 1)
    }

    @Test("a folder says that --recursive adds what is in it, which leaves tilt series and hidden files out")
    func folder() throws {
        for name in ["tree/a/x.mrc", "tree/b/c/y.rec", "tree/z.st", "tree/a/._x.mrc"] { try volume(name) }
        try directory.write("tree/notes.txt", [1])
        symlink("..", directory.file("tree/a/up"))
        let refused = run("add", directory.file("tree"), "--dataset", "d")
        #expect(
            refused.status == 1 && refused.errors.contains("--recursive adds what is in it and below: 2 volumes"), "\(refused)")
        #expect(run("add", directory.file("tree"), "--dataset", "d", "--recursive").output == "added: 2 tomograms in d\n")
        try directory.write("empty/notes.txt", [1])
        #expect(run("add", directory.file("empty"), "--dataset", "d", "--recursive").errors.contains("a folder without a volume"))
    }

    @Test("a placeholder is refused, and a store of which chunks are missing unless they are meant to be")
    func incomplete() throws {
        try volume("placeholder.mrc", value: { _ in -1 })
        let refused = run("add", directory.file("placeholder.mrc"), "--dataset", "d")
        #expect(refused.status == 1 && refused.errors.contains("a placeholder that a stopped program left"), "\(refused)")
        try volume("flat.mrc", value: { _ in 3 })
        let flat = run("add", directory.file("flat.mrc"), "--dataset", "flat")
        #expect(flat.status == 0 && flat.errors.contains("perhaps a placeholder"), "\(flat)")
        let copick = CopickFixture(directory)
        let path = try copick.configure("copick.json", objects: [])
        try copick.tomogram("TS_1", chunks: 0..<2)
        let missing = run("add", "--copick", path, "--dataset", "d")
        #expect(missing.status == 1 && missing.errors.contains("2 of 3 chunks are there"), "\(missing)")
        #expect(missing.errors.contains("--allow-missing"))
        let added = run("add", "--copick", path, "--dataset", "d", "--allow-missing")
        #expect(added.status == 0 && added.errors.contains("2 of 3 chunks are there"), "\(added)")
    }

    @Test("five thousand tomograms of a tree are added within seconds", .timeLimit(.minutes(2)))
    func many() throws {
        try volume("one.mrc")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: directory.file("one.mrc")))
        for index in 0..<5000 { try directory.write("many/\(index / 100)/t\(index).mrc", bytes) }
        let begin = ContinuousClock.now
        let added = run("add", directory.file("many"), "--recursive", "--dataset", "d")
        let duration = ContinuousClock.now - begin
        #expect(added.output == "added: 5000 tomograms in d\n", "\(added.errors.prefix(300))")
        // Three seconds on two busy cores without optimisation.
        #expect(duration < .seconds(30), "\(duration)")
        #expect(run("add", directory.file("many"), "--recursive", "--dataset", "d").output == "unchanged: 5000 tomograms in d\n")
    }
}
