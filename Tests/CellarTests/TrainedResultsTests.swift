import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

/// `show` and `export` of what trained networks gave.
@Suite struct TrainedResultsTests {
    private func volume(_ results: HandmadeResults, _ name: String) throws -> (
        floats: [Float], voxelSize: VoxelSize?, type: ScalarType
    ) {
        let volume = try VolumeLocation(path: results.folder.file(name)).open()
        #expect(volume.shape == VolumeShape(z: 6, y: 32, x: 40))
        let floats = try (0..<volume.shape.z).flatMap { try volume.readSlice(z: $0).floats() }
        return (floats, volume.header.voxelSize, volume.scalarType)
    }

    @Test("labels are those of segment where it has a result, and --step chooses")
    func labels() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        let missing = try cellar("export", "labels", "t", "--output", "l.mrc")
        #expect(missing.status == 1 && missing.errors.contains("pseudo-labels has no result for t at hand"))
        #expect(
            try cellar("export", "labels", "t", "--step", "segment", "--output", "l.mrc").errors.contains("segment has no result")
        )
        try results.publishSegmentation()
        let written = try cellar("export", "labels", "t", "--output", "l.mrc")
        let sentence =
            "l.mrc: 40 × 32 × 6, segment: 1 membrane, 2 ribosome\n  segment of t by run 1, 2026-01-01 00:00:00 UTC, voxel size 10.0 Å\n"
        #expect(written.output == sentence, "\(written.output)\(written.errors)")
        let (floats, voxelSize, type) = try volume(results, "l.mrc")
        #expect(type == .uint16)
        #expect(abs(try #require(voxelSize).xInAngstroms - 10) < 1e-5)
        for index in floats.indices { #expect(floats[index] == (index % 40 < 10 ? 0 : index % 40 < 20 ? 1 : 2)) }
        #expect(try cellar("export", "labels", "t", "--step", "pseudo-labels", "--output", "m.mrc").status == 1)
        #expect(
            try cellar("export", "labels", "t", "--objects", "--output", "m.mrc").errors.contains("pseudo-labels has no result"))
        #expect(try cellar("export", "labels", "t", "--objects", "--step", "segment", "--output", "m.mrc").status == 2)
    }

    @Test("a probability is written for one class, as float32 from 0 to 1")
    func map() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        try results.publishSegmentation()
        let map = ["export", "map", "t", "--output", "m.mrc"]
        #expect(try cellar(map + ["--step", "segment"]).errors.contains("has several classes: membrane, ribosome; --class"))
        #expect(try cellar(map + ["--step", "segment", "--class", "actin"]).errors.contains("has no class actin"))
        #expect(try cellar(map + ["--class", "ribosome"]).status == 2)
        #expect(try cellar(map).errors.contains("consistency has no result"))
        let written = try cellar(map + ["--step", "segment", "--class", "ribosome"])
        #expect(written.output.hasPrefix("m.mrc: 40 × 32 × 6, probability of ribosome\n"), "\(written.errors)")
        let (floats, _, type) = try volume(results, "m.mrc")
        #expect(type == .float32)
        for index in floats.indices { #expect(abs(floats[index] - Float(255 - 51 * (index / 1280)) / 255) < 1e-6) }
        // gc drops what is large.
        let probability = try #require(
            try results.catalog.results.standingArtifact(step: "segment", scopeID: results.tomogramID, output: "probability"))
        try results.catalog.results.setState(.evicted, of: [probability])
        #expect(
            try cellar(map + ["--step", "segment", "--class", "ribosome", "--force"]).errors.contains("dropped by `cellar gc`"))
    }

    @Test("a result of another size than the tomogram is refused, and a class list of one needs no name")
    func sizes() throws {
        let results = try HandmadeResults()
        try results.publishSegmentation(classes: "membrane", depth: 5)
        for arguments in [
            ["export", "labels", "t", "--output", "x"], ["export", "map", "t", "--step", "segment", "--output", "x"],
            ["show", "t", "--step", "segment", "--output", "x"],
        ] {
            let refused = try results.cellar(arguments)
            #expect(refused.status == 1 && refused.errors.contains("another size than the tomogram"), "\(refused.errors)")
        }
    }

    @Test("points are those of pick where it has a result, be they none")
    func points() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        #expect(try cellar("export", "points", "t", "--output", "p.csv").errors.contains("pseudo-labels has no result"))
        #expect(try cellar("export", "points", "t", "--step", "pick", "--output", "p.csv").errors.contains("pick has no result"))
        try results.publishPicks()
        for name in ["p.csv", "p.star", "p.json"] {
            let written = try cellar("export", "points", "t", "--output", name)
            #expect(written.output.hasPrefix("\(name): 2 points of pick\n"), "\(written.errors)")
        }
        let points = try PointFile.read(results.folder.file("p.csv")).points
        #expect(points.map(\.x) == [200, 100] && points.map(\.z) == [20, 50])
        #expect(points.map(\.className) == ["ribosome", "ribosome"])
        #expect(
            try cellar("export", "points", "t", "--least-confidence", "0.5", "--output", "q.csv").output.contains(": 1 points"))
        #expect(try cellar("export", "points", "t", "--step", "pseudo-labels", "--output", "r.csv").status == 1)
        let none = try HandmadeResults()
        try none.publishPicks(isEmpty: true)
        #expect(try none.cellar("export", "points", "t", "--output", "p.csv").output.hasPrefix("p.csv: 0 points of pick\n"))
        #expect(try none.cellar("show", "t", "--step", "pick", "--output", "p.png").status == 0)
    }

    @Test("segmentations and picks are drawn over any slice")
    func pictures() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        #expect(try cellar("show", "t", "--step", "segment", "--output", "s.png").errors.contains("segment has no result for t"))
        try results.publishSegmentation()
        try results.publishPicks()
        func size(_ arguments: String...) throws -> Int {
            let shown = try cellar(["show", "t", "--output", "s.png", "--force"] + arguments)
            #expect(shown.status == 0, "\(shown.errors)")
            return try Data(contentsOf: URL(fileURLWithPath: results.folder.file("s.png"))).count
        }
        #expect(try size("--step", "segment", "--z", "0") != size("--z", "0"))
        #expect(try size("--step", "pick", "--z", "2") != size("--step", "pick", "--z", "1"))
        #expect(try cellar("show", "t", "--step", "pick", "--z", "6", "--output", "t.png").errors.contains("no slice 6"))
    }

    @Test("a network is written as the safetensors file it is, and a damaged one is not")
    func network() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        let export = ["export", "network", "first", "--step", "train-membrane", "--output", "n.safetensors"]
        #expect(try cellar(export).errors.contains("train-membrane has no network for the training set first"))
        #expect(
            try cellar("export", "network", "no", "--step", "train-membrane", "--output", "n").errors.contains(
                "no training set no"))
        #expect(try cellar("export", "network", "first", "--step", "prepare", "--output", "n").status == 2)
        let header = #"{"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
        let padded = header + String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
        let bytes =
            withUnsafeBytes(of: UInt64(padded.utf8.count).littleEndian) { Array($0) } + Array(padded.utf8) + [UInt8](1...8)
        try results.publishNetwork("train-membrane", bytes: bytes)
        let written = try cellar(export)
        #expect(written.output.hasPrefix("n.safetensors: 1 tensors, classes 1 membrane, 2 ribosome\n"), "\(written.errors)")
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: results.folder.file("n.safetensors")))) == bytes)
        try results.publishNetwork("train-particles", bytes: Array(bytes.dropLast()))
        let damaged = try cellar("export", "network", "first", "--step", "train-particles", "--output", "d.safetensors")
        #expect(damaged.status == 1 && damaged.errors.contains("is no sound safetensors file"), "\(damaged.errors)")
        let files = try FileManager.default.contentsOfDirectory(atPath: results.folder.path)
        #expect(!files.contains("d.safetensors") && !files.contains { $0.hasSuffix(".tmp") })
    }

    @Test("curves are drawn of what runs, or else of what stands, and a sentence says where there are none")
    func curves() throws {
        let results = try HandmadeResults()
        let cellar = results.cellar
        let show = ["show", "first", "--curves", "--force", "--output"]
        #expect(try cellar(show + ["c.png"]).errors.contains("the training set first has no curves yet"))
        #expect(try cellar("show", "no", "--curves", "--output", "c.png").errors.contains("there is no training set no"))
        #expect(try cellar(show + ["c.pdf"]).status == 2)
        #expect(try cellar(show + ["c.png", "--z", "3"]).status == 2)
        try results.publish(
            "train-membrane", .trainingSet,
            curves: [
                "loss": [1, 0.5, 0.25], "validation_loss": [1.1, 0.7, 0.6], "validation_dice": [0.2, 0.5, 0.6],
                "learning_rate": [1e-3, 5e-4, 1e-4],
            ])
        #expect(try cellar(show + ["c.svg"]).output == "c.svg: 3 plots\n")
        func svg() throws -> String { try String(contentsOfFile: results.folder.file("c.svg"), encoding: .utf8) }
        #expect(try svg().contains(">validation_loss<") && svg().contains(">train-membrane<"))
        #expect(try cellar(show + ["c.png"]).status == 0)
        try results.publish("train-membrane", .trainingSet, key: "other", curves: ["loss": [2, 1]], isDone: false)
        #expect(try cellar(show + ["c.svg"]).output == "c.svg: 1 plots\n")
        #expect(try svg().contains(">train-membrane, running<"))
    }
}
