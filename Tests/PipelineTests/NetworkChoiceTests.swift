import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import Testing
import Training
import Volumes

@testable import Pipeline

@Suite("The networks that a tomogram is segmented with") struct NetworkChoiceTests {
    private static let settings = [
        "train-membrane.epoch.count": "3", "train-particles.epoch.count": "1", "segment.smallest_volume": "0",
        "segment.membrane.smallest_volume": "0",
    ]

    private static func output(_ step: String, _ output: String, of collection: PipelineCollection) throws -> Digest? {
        try collection.catalog.results.standingArtifact(step: step, scopeID: collection.tomogramID, output: output)
    }

    @Test("a model serves before anything was picked, and beside what is trained")
    func choices() throws {
        let scene = try BallsAndSheet(z: 24, side: 64)
        let trained = try PipelineCollection.annotated(scene, settings: Self.settings)
        #expect(try #require(try trained.run()).isComplete)
        let (membranes, picker) = (
            try trained.network("train-membrane"), try trained.network("train-particles")
        )
        let labels = try #require(try Self.output("segment", "labels", of: trained))
        let particles = try #require(try Self.output("pick", "particles", of: trained))

        // The same tomogram, without anything that was picked.
        let settings = Self.settings.merging(PipelineCollection.small) { own, _ in own }
        let bare = try PipelineCollection(scene.voxels(), settings: settings)
        #expect(try bare.run()?.isComplete ?? true)
        #expect(try Self.output("segment", "labels", of: bare) == nil)
        for choice in ["builtin", "both"] {
            bare.settings.merge(["segment.network": choice, "pick.network": choice]) { $1 }
            bare.settings["segment.model"] = nil
            let failures = try #require(try bare.run()).failures
            #expect(failures.contains { $0.contains("segment.model") } && failures.contains { $0.contains("pick.model") })
        }
        try bare.addModel("membranes", membranes)
        try bare.addModel("picker", picker)
        for choice in ["builtin", "both"] {
            bare.settings.merge(
                ["segment.network": choice, "pick.network": choice, "segment.model": "membranes", "pick.model": "picker"]
            ) { $1 }
            #expect(try #require(try bare.run()).isComplete)
            #expect(try Self.output("segment", "labels", of: bare) == labels)
            #expect(try Self.output("pick", "particles", of: bare) == particles)
        }
        // A network that cannot do what is asked.
        bare.settings.merge(["segment.model": "picker", "pick.model": "membranes"]) { $1 }
        let failures = try #require(try bare.run()).failures
        #expect(failures.contains { $0.contains("picker labels no voxels") }, "\(failures)")
        #expect(failures.contains { $0.contains("membranes finds no particles") }, "\(failures)")

        // Beside the training set: of two networks that are one, the mean is the same, and they never differ.
        try trained.addModel("membranes", membranes)
        trained.settings.merge(["segment.network": "both", "segment.model": "membranes"]) { $1 }
        #expect(try #require(try trained.run()).isComplete)
        #expect(try Self.output("segment", "labels", of: trained) == labels)
        let probability = try trained.store.open(#require(try Self.output("segment", "probability", of: trained)))
        #expect(try probability.read("spread_1", as: UInt8.self).allSatisfy { $0 == 0 })
        // The model alone: another training makes nothing of it stale.
        trained.settings["segment.network"] = "builtin"
        #expect(try #require(try trained.run()).isComplete)
        trained.settings["train-membrane.seed"] = "2"
        let report = try #require(try trained.run())
        #expect(report.isComplete && report.progress.ran == 1)
    }

    @Test("a training that begins with a model keeps it, its thresholds and voxels, where training makes it no better")
    func kept() throws {
        let collection = try PipelineCollection.annotated(try BallsAndSheet(z: 24, side: 64), settings: Self.settings)
        #expect(try #require(try collection.run()).isComplete)
        let labels = try #require(try Self.output("segment", "labels", of: collection))
        let network = try collection.network("train-membrane")
        try collection.addModel("known", network)
        func metrics() throws -> [String: Double] {
            try collection.catalog.unsafeRead { db in
                let rows = try Row.fetchAll(db, sql: "SELECT name, value FROM v_metric WHERE step = 'train-membrane'")
                return Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
            }
        }
        #expect(try metrics()["kept_round"] == nil, "random weights have no teacher")

        // A rate at which no weight changes.
        collection.settings.merge(["train-membrane.initial": "known", "train-membrane.optimizer.learning_rate": "1e-8"]) { $1 }
        #expect(try #require(try collection.run()).isComplete)
        let same = try metrics()
        #expect(same["kept_round"] == 0 && same["teacher_dice"] != nil && same["student_dice"] != nil)
        #expect(try Self.output("segment", "labels", of: collection) == labels)

        // Whatever training makes of it, the better one is kept.
        collection.settings["train-membrane.optimizer.learning_rate"] = "0.01"
        #expect(try #require(try collection.run()).isComplete)
        let trained = try metrics()
        let (teacher, student) = (try #require(trained["teacher_dice"]), try #require(trained["student_dice"]))
        #expect(trained["kept_round"] == (student > teacher ? 1 : 0))
        #expect(try (Self.output("segment", "labels", of: collection) == labels) == (student <= teacher))

        // Labels in which there is none of what is learned: the model stays, where there is one, and else it is a failure.
        let settings = Self.settings.merging(["train-membrane.initial": "known", "evaluate.unnamed": "ground"]) { $1 }
        let empty = try PipelineCollection.annotated(try BallsAndSheet(z: 24, side: 64), settings: settings, membrane: 99)
        try empty.addModel("known", network)
        let report = try #require(try empty.run())
        #expect(report.isComplete, "\(report.failures)")
        #expect(try Self.output("segment", "labels", of: empty) == labels)
        empty.settings["train-membrane.start"] = "random"
        let failures = try #require(try empty.run()).failures
        #expect(failures.contains { $0.contains("no voxel of the class membrane") }, "\(failures)")

        // A class that the model does not know begins at random: there is nothing to keep.
        collection.settings["train-membrane.classes"] = "membrane, ball"
        #expect(try #require(try collection.run()).isComplete)
        #expect(try metrics()["kept_round"] == nil)
    }

    @Test("a model is described by the classes that are asked for, and all else is its ground")
    func description() throws {
        var model = NetworkDescription(
            step: "teacher", classes: ["membrane", "large", "filament"], voxelSizeInAngstroms: 13.5,
            diametersInAngstroms: [], patchSize: 64, seed: 1, epoch: 7, thresholds: [0.25, 0.3, 0.5],
            members: [.init(tomogram: "t", label: "l")])
        model.outputs = [nil, "membrane", "large", "large", nil, "filament"]
        model.particles = [.init(name: "large", output: 2, diameterInAngstroms: 250)]
        let known = model.finding(["filament", "membrane"], handedOnBy: "train-membrane")
        #expect(known.classes == ["filament", "membrane"] && known.thresholds == [0.5, 0.25])
        #expect(known.outputs == [nil, "membrane", nil, nil, nil, "filament"] && known.particles == nil)
        #expect(known.step == "train-membrane" && known.epoch == 0 && known.round == 0 && known.members.isEmpty)
        #expect(known.voxelSizeInAngstroms == 13.5)
        let network = UNet(try UNetArchitecture(dimensions: 2, classes: 6, width: 8, levels: 2), seed: 1)
        let teacher = FirstNetwork.Model(name: "model", network: network, known).teacher
        #expect(teacher.outputs == [[0, 2, 3, 4], [5], [1]])
    }

    @Test("a tomogram of other voxels is scaled for the network, and what it says is scaled back", arguments: [8, 13.0])
    func scaled(voxelSize: Double) throws {
        let scene = try BallsAndSheet(z: 24, side: 64)
        let trained = try PipelineCollection.annotated(scene, settings: Self.settings)
        #expect(try #require(try trained.run()).isComplete)
        let settings = Self.settings.merging(PipelineCollection.small) { own, _ in own }
        let other = try PipelineCollection(
            scene.voxels(), voxelSize: voxelSize,
            settings: settings.merging([
                "segment.network": "builtin", "segment.model": "membranes", "segment.voxel_size_tolerance": "0.05",
            ]) { $1 })
        try other.addModel("membranes", trained.network("train-membrane"))
        #expect(try #require(try other.run()).isComplete)
        let labels: [UInt8] = try other.store.open(#require(try Self.output("segment", "labels", of: other))).read("labels")
        #expect(labels.count == scene.shape.count)
        let sheet = labels.indices.filter(scene.isMembrane)
        #expect(Double(sheet.count { labels[$0] == 1 }) > 0.5 * Double(sheet.count))
        #expect(labels.count { $0 == 1 } < 3 * sheet.count)
        // Not scaled where the recipe does not want it.
        other.settings["segment.scale_limit"] = "1"
        let failures = try #require(try other.run()).failures
        #expect(failures.count == 1 && failures[0].contains("scale_limit"), "\(failures)")
    }

    @Test("copies are averaged, with their spread", arguments: ["4", "8"])
    func copies(count: String) throws {
        let scene = try BallsAndSheet(z: 24, side: 64)
        let collection = try PipelineCollection.annotated(scene, settings: Self.settings)
        #expect(try #require(try collection.run()).isComplete)
        let alone = try collection.store.open(#require(try Self.output("segment", "probability", of: collection)))
        #expect(throws: (any Error).self) { try alone.read("spread_1", as: UInt8.self) }
        func uncertainties(_ step: String) throws -> [Double?] {
            try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: step).map(\.uncertainty)
        }
        let steps = ["measure", "pick", "measure-picks"]
        for step in steps {
            let none = try uncertainties(step)
            #expect(!none.isEmpty && none.allSatisfy { $0 == nil }, "\(step)")
        }
        collection.settings.merge(["segment.averaging": count, "pick.averaging": count]) { $1 }
        #expect(try #require(try collection.run()).isComplete)
        let averaged = try collection.store.open(#require(try Self.output("segment", "probability", of: collection)))
        let (one, mean) = (try alone.read("class_1", as: UInt8.self), try averaged.read("class_1", as: UInt8.self))
        let spread = try averaged.read("spread_1", as: UInt8.self)
        #expect(one != mean && spread.contains { $0 > 5 })
        // The copy that is the block itself is one of those averaged: it is no farther from the mean than n − 1 deviations allow.
        let most = (Double(count) ?? 4).squareRoot()
        for voxel in one.indices {
            let distance = abs(Double(one[voxel]) - Double(mean[voxel])) / 255
            #expect(distance <= Double(spread[voxel]) / 510 * most + 0.02)
        }
        // Every object says how far the copies differ about it.
        for step in steps {
            let some = try uncertainties(step)
            #expect(!some.isEmpty && some.allSatisfy { $0.map { (0...0.5).contains($0) } ?? false }, "\(step)")
        }
        #expect(try uncertainties("pick") == uncertainties("measure-picks"))
        #expect(try uncertainties("measure").contains { $0 != 0 })
    }

    @Test("opinions are averaged voxel by voxel, and numbers that are none say nothing")
    func opinions() throws {
        let directory = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 1, y: 1, x: 4))
        func part(_ name: String, network: Int = 0, _ bytes: [UInt8]) throws -> ProbabilitySlices.Part {
            let file = try SliceFile(URL(fileURLWithPath: directory.file(name)), sliceBytes: 4)
            try file.append(bytes)
            return ProbabilitySlices.Part(network: network, file: file, places: [0])
        }
        let (bold, careful): ([UInt8], [UInt8]) = ([230, 255, 115, 0], [26, 204, 13, 0])
        let both = ProbabilitySlices(
            shape: shape, classes: ["particle"], parts: [try part("one", bold), try part("two", network: 1, careful)],
            spreadOfParts: false)
        #expect(try both.each(of: 0, slice: 0) == [bold, careful])
        #expect(try both.mean(of: 0, slice: 0) == [128, 230, 64, 0])
        #expect(try both.spread(of: 0, slice: 0) == [204, 51, 102, 0])
        // In the nearest voxel, also of a place outside.
        let spread = try #require(try both.spread(of: 0, at: SIMD3(0.6, -3, 9)))
        #expect(abs(spread - 51.0 / 510) < 0.001)
        let alone = ProbabilitySlices(
            shape: shape, classes: ["particle"], parts: [try part("alone", careful)], spreadOfParts: false)
        #expect(try alone.mean(of: 0, slice: 0) == careful)
        // A network that looks at several magnifications counts once.
        let magnified = ProbabilitySlices(
            shape: shape, classes: ["particle"],
            parts: [try part("a", bold), try part("b", careful), try part("c", network: 1, careful)], spreadOfParts: false)
        #expect(try magnified.each(of: 0, slice: 0) == [[128, 230, 64, 0], careful])
        #expect(try magnified.mean(of: 0, slice: 0) == [77, 217, 39, 0])
        // Weights of ¼, ¼ and ½: 230 and 26, 26 have the mean 77, and the deviation √(¼·153² + ¾·51²) = 88.3.
        #expect(try magnified.spread(of: 0, slice: 0)[0] == 177)
        #expect(try alone.spread(of: 0, at: .zero) == nil)
        #expect(
            ProbabilitySlices.encoded([.nan, 1, -.infinity, .infinity, 0.5, 0.1], values: 2, means: 1) == [
                0, 0, 128, 255, 255, 51,
            ])
    }

    @Test("picks keep which of them nobody was unsure of")
    func picks() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        let collection = try PipelineCollection(scene.voxels(), settings: [:])
        func object(_ number: Int, _ uncertainty: Double?) -> FoundObject {
            FoundObject(
                number: number, class: "particle", centroidInAngstroms: SIMD3(repeating: Double(number)), radiusInAngstroms: 5,
                voxels: 4,
                volumeInCubicNanometers: 2, confidence: 1, uncertainty: uncertainty, boxMinimumInAngstroms: .zero,
                boxMaximumInAngstroms: SIMD3(repeating: 9))
        }
        for uncertainties in [[0.25, nil, 0], [nil, nil]] as [[Double?]] {
            let picks = Picks(uncertainties.enumerated().map { object($0.offset + 1, $0.element) }, classes: ["particle"])
            let staged = try collection.store.stage(kind: Picks.kind) { try picks.write(to: $0) }
            try collection.store.commit([staged])
            let read = try Picks(collection.store.open(staged.digest))
            #expect(read.particles.map(\.uncertainty) == uncertainties)
        }
    }

    @Test("a network that says what cannot be is refused")
    func descriptions() throws {
        let sound = NetworkDescription(
            step: "s", classes: ["a", "b"], voxelSizeInAngstroms: 10, patchSize: 64, seed: 1, epoch: 1, thresholds: [0.5, 0.2],
            members: [])
        #expect(try NetworkDescription(sound.metadata, path: "n") == sound)
        let changes: [(inout NetworkDescription) -> Void] = [
            { $0.thresholds = [0.5, 1.5] }, { $0.thresholds = [0.5] }, { $0.classes = ["a", "a"] }, { $0.classes = ["a", ""] },
            { $0.voxelSizeInAngstroms = 0 }, { $0.diametersInAngstroms = [100, -1] },
            { $0.particles = [.init(name: "p", output: 1, diameterInAngstroms: 100, leastScore: 2)] },
            { $0.particles = [.init(name: "p", output: 1, diameterInAngstroms: 0)] },
            {
                $0.particles = [
                    .init(name: "p", output: 1, diameterInAngstroms: 10), .init(name: "p", output: 2, diameterInAngstroms: 10),
                ]
            },
        ]
        for (index, change) in changes.enumerated() {
            var changed = sound
            change(&changed)
            #expect(throws: PipelineError.self, "change \(index)") { try NetworkDescription(changed.metadata, path: "n") }
        }
    }
}
