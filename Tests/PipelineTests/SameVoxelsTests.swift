import Basics
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import Testing
import Volumes

@testable import Pipeline

/// What a step reads of a tomogram are its voxels: where, how and when they were written is nobody's business but that of `describe`.
@Suite("The same voxels") struct SameVoxelsTests {
    /// Every step there is, on a scene so small that all of them take a second.
    private func collection() throws -> PipelineCollection {
        let collection = try PipelineCollection.annotated(
            BallsAndSheet(z: 12, side: 64),
            settings: [
                "prepare.tiles.size": "64", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "6",
                "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250",
                "train-membrane.epoch.count": "1", "train-membrane.epoch.steps": "2", "train-membrane.network.width": "4",
                "train-membrane.network.levels": "2", "train-membrane.patch.size": "32", "train-membrane.validation.batches": "1",
                "train-particles.epoch.count": "1", "train-particles.epoch.steps": "2", "train-particles.patch.size": "24",
                "train-particles.patch.jitter": "2", "pick.margin": "2", "evaluate.classes": "ball=",
                "pseudo-labels.sources.sheets": "true", "pseudo-labels.sources.blobs": "true", "training.rounds": "3",
                "pseudo-labels.teacher.averaging": "1",
            ], isTrainingSet: false)
        let slab = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 3..<9)
        let annotations = try collection.catalog.unsafeRead { try Int64.fetchAll($0, sql: "SELECT id FROM v_annotation") }
        _ = try collection.catalog.collection.addTrainingSet(named: "all", slabs: [#require(slab.id)], annotations: annotations)
        return collection
    }

    private func executed(in collection: PipelineCollection) throws -> [String] {
        try collection.catalog.unsafeRead {
            try String.fetchAll($0, sql: "SELECT step FROM v_trace WHERE run_id = (SELECT max(id) FROM v_run) ORDER BY step")
        }
    }

    @Test(
        "in a file that was touched, compressed, moved or labelled anew: describe runs, and nothing below it",
        arguments: UInt64(1)...4)
    func editScripts(seed: UInt64) throws {
        let collection = try collection()
        let first = try #require(try collection.run())
        #expect(first.isComplete, "\(first.failures)")
        // A step that nobody sees run here is not checked here: all but the source that needs a model.
        #expect(Set(try executed(in: collection)) == Set(StandardSteps.all.map(\.name)).subtracting([ModelLabelsStep.name]))

        var generator = RandomStream(state: seed)
        var file = File(path: collection.directory.file("t.mrc"))
        var story: [String] = []
        for _ in 0..<4 {
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let edit = File.Edit.allCases.randomElement(using: &generator) ?? .touch
                story.append(edit.rawValue)
                try file.apply(edit)
                try collection.add(file.path, named: "t")
            }
            let report = try #require(try collection.run(), "\(story)")
            #expect(report.isComplete && report.progress.ran == 1, "\(story) \(report.failures)")
            #expect(try executed(in: collection) == ["describe"], "\(story)")
        }
        // One voxel is another tomogram.
        try file.changeVoxel()
        try collection.add(file.path, named: "t")
        #expect(try #require(try collection.run()).isComplete)
        let steps = try executed(in: collection)
        for step in ["train-membrane", "train-particles", "segment", "pick", "measure", "extent", "prepare"] {
            #expect(steps.contains(step), "\(step) after a change")
        }
    }

    @Test("under two names: what is computed for one is taken for both, and what was trained on one has seen both")
    func twins() throws {
        let collection = try collection()
        let path = collection.directory.file("t.mrc")
        let twin = try collection.add(path, named: "other", dataset: "e")
        try collection.catalog.collection.annotate(
            tomogramID: twin,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: collection.directory.file("labels.mrc")),
                classes: [.init(name: "membrane", value: 7), .init(name: "ball", value: 2)],
                contentDigest: Digest(of: "labels of the twin".utf8)))
        // A tomogram of its own, which no network has seen.
        let stranger = collection.directory.file("stranger.mrc")
        try FileManager.default.copyItem(atPath: path, toPath: stranger)
        try File(path: stranger).changeVoxel()
        let third = try collection.add(stranger, named: "stranger", dataset: "e")
        try collection.catalog.collection.annotate(
            tomogramID: third,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: collection.directory.file("labels.mrc")),
                classes: [.init(name: "membrane", value: 7), .init(name: "ball", value: 2)],
                contentDigest: Digest(of: "labels of the stranger".utf8)))
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let rows = try collection.catalog.unsafeRead {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT tomogram, min(trained_on) AS least, max(trained_on) AS most, min(training_set) AS networks
                    FROM v_evaluation WHERE step = 'evaluate' GROUP BY tomogram ORDER BY tomogram
                    """)
        }
        #expect(
            rows == [
                ["tomogram": "other", "least": 1, "most": 1, "networks": "all"],
                ["tomogram": "stranger", "least": 0, "most": 0, "networks": "all"],
                ["tomogram": "t", "least": 1, "most": 1, "networks": "all"],
            ])
        // Segmented once for both.
        let segmented = try collection.catalog.unsafeRead {
            try Int.fetchOne($0, sql: "SELECT count(DISTINCT trace_id) FROM v_step WHERE step = 'segment'")
        }
        #expect(segmented == 2)
    }
}

extension PipelineCollection {
    /// Adds a tomogram, or says where its file is now.
    @discardableResult
    func add(_ path: String, named name: String, dataset: String = "d") throws -> Int64 {
        let location = VolumeLocation(path: path)
        let volume = try location.open()
        return try catalog.collection.add(
            [
                NewTomogram(
                    name: name, location: location, format: volume.header.format, scalarType: volume.scalarType,
                    shape: volume.shape,
                    headerVoxelSize: volume.header.voxelSize)
            ], dataset: dataset)[0].id
    }
}

/// An MRC file to which things happen that leave its voxels as they are.
private struct File {
    enum Edit: String, CaseIterable { case touch, gzip, move, label }

    private(set) var path: String
    private var count = 0

    init(path: String) { self.path = path }

    mutating func apply(_ edit: Edit) throws {
        count += 1
        switch edit {
        case .touch: try touch()
        case .gzip:
            if !path.hasSuffix(".gz") {
                try run("gzip", "-n")
                path += ".gz"
            } else {
                try unpack()
            }
        case .move:
            let suffix = path.hasSuffix(".gz") ? ".mrc.gz" : ".mrc"
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            let target = folder.appending(path: "moved-\(count)\(suffix)").path
            try FileManager.default.moveItem(atPath: path, toPath: target)
            path = target
        case .label:
            if path.hasSuffix(".gz") { try unpack() }
            let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            // The number of labels, and the first of them.
            try file.seek(toOffset: 220)
            try file.write(contentsOf: Data([1, 0, 0, 0]))
            try file.write(contentsOf: Data("label \(count)".utf8))
            try file.close()
            try touch()
        }
    }

    /// Writes another number over the last voxel, a float32.
    func changeVoxel() throws {
        var file = self
        if path.hasSuffix(".gz") { try file.unpack() }
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: file.path))
        let end = try handle.seekToEnd()
        try handle.seek(toOffset: end - 4)
        try handle.write(contentsOf: withUnsafeBytes(of: Float(3.25).bitPattern.littleEndian) { Data($0) })
        try handle.close()
        if file.path != path { try file.run("gzip", "-n") }
    }

    private mutating func unpack() throws {
        try run("gzip", "-d")
        path = String(path.dropLast(3))
    }

    private func run(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments + [path]
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    private func touch() throws {
        // The clock of a file system may tick too seldom for a test.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000 + Double(count))], ofItemAtPath: path)
    }
}
