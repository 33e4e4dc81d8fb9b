import Basics
import CellarKit
import Foundation
import TestSupport
import Testing

@testable import cellar

/// What tomograms are called when they are added, and what a name means afterwards.
@Suite struct NamingTests {
    private let folder: TemporaryDirectory
    private let cellar: CellarProcess

    init() throws {
        folder = try TemporaryDirectory()
        cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
    }

    private func tomogram(_ name: String) throws {
        let shape = try #require(VolumeShape(z: 8, y: 4, x: 4))
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: folder.file(name)).deletingLastPathComponent(), withIntermediateDirectories: true)
        let writer = try MRCWriter(
            path: folder.file(name), shape: shape, scalarType: .float32, voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0) })))
        try writer.finish()
    }

    private var names: String {
        get throws {
            try cellar(
                "query", "SELECT group_concat(name, ' ') AS n FROM (SELECT name FROM v_tomogram ORDER BY name)", "--format", "csv"
            )
            .output.split(separator: "\n").last.map(String.init) ?? ""
        }
    }

    @Test("files of one base name in many folders, as the CryoET Data Portal has them, get names by a pattern")
    func portal() throws {
        let paths = try ["run1", "run2"].flatMap { run in
            try ["100", "101"].map { id in
                let path = "portal/\(run)/Tomograms/\(id)/\(run).mrc"
                try tomogram(path)
                return path
            }
        }
        let add = ["add"] + paths + ["--dataset", "portal"]
        let refused = try cellar(add)
        #expect(refused.status == 1)
        #expect(
            refused.errors.contains(
                "portal/run1/Tomograms/100/run1.mrc would be named run1 as portal/run1/Tomograms/101/run1.mrc is"))
        #expect(refused.errors.contains("--name-from '{parent}_{stem}'"), "\(refused.errors)")
        #expect(try cellar("list", "tomograms", "--format", "csv").output.split(separator: "\n").count <= 1)
        #expect(try cellar(add + ["--name-from", "{parent}_{stem}"]).output == "added: 4 tomograms in portal\n")
        #expect(try names == "100_run1 100_run2 101_run1 101_run2")
        // Again, with another voxel size: they keep their names.
        #expect(try cellar(add + ["--voxel-size", "12"]).output == "updated: 4 tomograms in portal\n")
        #expect(try names == "100_run1 100_run2 101_run1 101_run2")
        #expect(try cellar(add + ["--name-from", "{stem}-{parent}@{dataset}"]).output == "updated: 4 tomograms in portal\n")
        #expect(try names == "run1-100@portal run1-101@portal run2-100@portal run2-101@portal")
    }

    @Test("a pattern is of known fields in braces", arguments: ["{name}", "{", "}", "a{stem", "{}", "{stem}}"])
    func badPatterns(pattern: String) throws {
        try tomogram("a.mrc")
        let refused = try cellar("add", "a.mrc", "--dataset", "d", "--name-from", pattern)
        #expect(refused.status == 2, "\(refused.errors)")
        #expect(throws: (any Error).self) { try NamePattern(parsing: pattern) }
    }

    @Test("names follow from the parts of a path")
    func patterns() throws {
        let location = VolumeLocation(path: "/data/run 7/TS_1.ome.zarr", member: "/0/raw")
        func name(_ pattern: String) throws -> String { try NamePattern(parsing: pattern).name(of: location, dataset: "d") }
        #expect(try name("{dataset}.{grandparent}.{parent}.{stem}.{member}") == "d.data.run 7.TS_1.0-raw")
        #expect(try name("plain") == "plain")
        let shallow = VolumeLocation(path: "/t.mrc")
        for pattern in ["{parent}", "{grandparent}", "{member}"] {
            #expect(throws: CatalogError.self, "\(pattern)") {
                try NamePattern(parsing: pattern).name(of: shallow, dataset: "d")
            }
        }
    }

    @Test("one bad file stops all unless the others are wanted, and what is there is skipped when asked")
    func goingOn() throws {
        for name in ["a.mrc", "b.mrc", "c.mrc", "other/a.mrc"] { try tomogram(name) }
        try folder.write("bad.mrc", Array("no volume".utf8))
        let add = ["add", "a.mrc", "bad.mrc", "b.mrc", "--dataset", "d"]
        let refused = try cellar(add)
        #expect(refused.status == 1 && refused.output.isEmpty)
        #expect(refused.errors.contains("bad.mrc") && refused.errors.contains("1 of 3 cannot be added, so that nothing was"))
        let added = try cellar(add + ["--keep-going"])
        #expect(added.status == 1 && added.output == "added: 2 tomograms in d\n", "\(added.errors)")
        let taken = ["add", "c.mrc", "other/a.mrc", "b.mrc", "--dataset", "d", "--meta", "k=v"]
        #expect(try cellar(taken).errors.contains("has a tomogram a already"))
        #expect(try names == "a b")
        let skipping = try cellar(taken + ["--skip-existing"])
        #expect(
            skipping.status == 0 && skipping.output == "added: 1 tomogram in d\nskipped: 2 tomograms in d\n", "\(skipping.errors)"
        )
        #expect(skipping.errors.contains("skipped other/a.mrc: there is a tomogram d/a already"))
        #expect(skipping.errors.contains("skipped b.mrc: it is d/b already"))
        // What was skipped is as it was.
        #expect(
            try cellar("list", "tomograms", "--where", "meta ->> 'k' = 'v'", "--columns", "name", "--format", "csv").output
                == "name\nc\n")
        #expect(try cellar(taken + ["--keep-going"]).status == 1)
        #expect(
            try cellar("list", "tomograms", "--where", "meta ->> 'k' = 'v'", "--format", "csv").output.split(separator: "\n")
                .count == 3)
    }

    @Test("a number is a name, and an id is written id:N, for every command")
    func numbers() throws {
        for name in ["first.mrc", "second.mrc", "2.mrc"] {
            try tomogram(name)
            #expect(try cellar("add", name, "--dataset", "d").status == 0)
        }
        // 2 is the name of the third, and the id of the second: the name wins.
        #expect(try cellar("annotate", "2", "--labels", "2.mrc", "--class", "a", "--threshold", "1").status == 0)
        #expect(try cellar("query", "SELECT tomogram FROM v_annotation", "--format", "csv").output == "tomogram\n2\n")
        #expect(try cellar("why", "2").status == 0)
        #expect(try cellar("show", "2", "--output", "x.png").status == 0)
        #expect(try cellar("export", "labels", "2", "--output", "x.mrc").errors.contains("cellar run"))
        #expect(try cellar("slab", "add", "d/2", "--z", "0..<4").status == 0)
        #expect(try cellar("slab", "add", "id:2", "--z", "0..<4").status == 0)
        let slabs = try cellar("query", "SELECT tomogram FROM v_slab ORDER BY id", "--format", "csv").output
        #expect(slabs == "tomogram\n2\nsecond\n")
        #expect(try cellar("slab", "add", "1", "--z", "0..<4").errors.contains("no tomogram named 1; id:1 is d/first"))
        // Slabs and runs have no names.
        #expect(try cellar("slab", "remove", "id:1").output == "removed 1 slab\n")
        #expect(try cellar("slab", "remove", "2").output == "removed 1 slab\n")
        #expect(try cellar("slab", "remove", "id:x").status == 2)
        #expect(try cellar("stats", "changes", "--from", "id:1", "--to", "2").errors.contains("there is no run 1"))
        #expect(try cellar("stats", "changes", "--from", "first").status == 2)
        #expect(try cellar("model", "verify", "id:2").output == "builtin-cellpose: sound\n")
        #expect(try cellar("model", "verify", "2").errors.contains("no model named 2; id:2 is builtin-cellpose"))
    }

    @Test("what is the name of a tomogram and the beginning of a digest is an error that says both")
    func digests() throws {
        let results = try HandmadeResults()
        try results.publishSegmentation()
        let cellar = results.cellar
        let digest = try #require(
            try results.catalog.results.standingArtifact(step: "segment", scopeID: results.tomogramID, output: "labels"))
        let prefix = digest.abbreviated
        #expect(try cellar("show", prefix, "--output", "artifact.png").status == 0)
        #expect(try cellar("add", "t.mrc", "--dataset", "e", "--name", prefix).status == 0)
        let both = try cellar("show", prefix, "--output", "x.png")
        #expect(both.status == 1 && both.errors.contains("(id:2) or the artifact \(prefix) (digest:\(prefix))"), "\(both.errors)")
        #expect(try cellar("show", "digest:\(prefix)", "--output", "x.png").status == 0)
        #expect(try cellar("show", "id:2", "--output", "y.png").status == 0)
        #expect(try cellar("show", "digest:12", "--output", "z.png").errors.contains("at least six"))
        #expect(try cellar("show", "first", "--output", "z.png").errors.contains("first is a training set"))
    }
}
