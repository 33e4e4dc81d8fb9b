import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("From a training set to whole tomograms") struct TrainingStepsTests {
    private static let pseudo = [
        "prepare.tiles.size": "256", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "8",
        "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250",
    ]

    private func labels(_ collection: PipelineCollection) throws -> (values: [UInt8], digest: Digest) {
        let digest = try #require(
            try collection.catalog.results.standingArtifact(step: "segment", scopeID: collection.tomogramID, output: "labels"))
        return (try collection.store.open(digest).read("labels"), digest)
    }

    private func dice(_ labels: [UInt8], _ scene: BallsAndSheet) -> Double {
        var (common, sum) = (0, 0)
        for (index, label) in labels.enumerated() {
            common += label == 1 && scene.isMembrane(index) ? 1 : 0
            sum += (label == 1 ? 1 : 0) + (scene.isMembrane(index) ? 1 : 0)
        }
        return 2 * Double(common) / Double(max(sum, 1))
    }

    private func checkParticles(_ collection: PipelineCollection, _ scene: BallsAndSheet) throws {
        let particles = try collection.catalog.results.objects(
            ofTomogram: collection.tomogramID, step: "pick", class: "macromolecule")
        for ball in scene.balls {
            let nearest = particles.map { particle in
                let offset = particle.centroidInAngstroms - 10 * ball
                return (offset * offset).sum().squareRoot()
            }.min()
            #expect(try #require(nearest) < 50)
        }
        #expect(particles.count { ($0.confidence ?? 0) > 0.9 } == 3)
        #expect(particles.allSatisfy { $0.radiusInAngstroms == 100 })
    }

    @Test("networks learn pseudo-labels of a slab, and find membrane and particles in the whole tomogram")
    func pseudoLabels() throws {
        // Deeper and wider than patches, which the picker's blocks are.
        let scene = try BallsAndSheet(z: 36, side: 128)
        let collection = try PipelineCollection(scene.voxels(), settings: Self.pseudo.merging(PipelineCollection.small) { $1 })
        let slab = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 3..<33)
        _ = try collection.catalog.collection.addTrainingSet(named: "first", slabs: [#require(slab.id)])
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        // Pseudo-labels are some three times as thick as the sheet, and so is what is learned from them: it covers the sheet, and little else.
        let found = try labels(collection).values
        let sheet = found.indices.filter(scene.isMembrane)
        let covered = Double(sheet.count { found[$0] == 1 }) / Double(sheet.count)
        let thickness = Double(found.count { $0 == 1 }) / Double(sheet.count)
        #expect(covered > 0.95 && thickness < 4.5, "\(covered) \(thickness)")
        try checkParticles(collection, scene)
        // What a network was trained on is known: evaluation leaves it out.
        let trained = try collection.catalog.unsafeRead { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM v_trained_on WHERE step = 'train-membrane' AND tomogram = 't'")
        }
        #expect(try #require(trained) > 0)
        let points = try collection.catalog.unsafeRead { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM v_curve WHERE step = 'train-membrane' AND name = 'validation_dice'")
        }
        #expect(points == 6)
        #expect(try collection.run() == nil)
        // Another threshold segments, finds centre surfaces and compartments and measures anew, and trains nothing.
        collection.settings["segment.threshold"] = "0.6"
        #expect(try collection.run()?.progress.ran == 6)
        // A second round, in which no particle is agreed on: that is no failure, and the first picker stays.
        collection.settings.merge([
            "training.rounds": "2", "pseudo-labels.particle.distance": "0", "pseudo-labels.teacher.sure_particle": "1",
            "pseudo-labels.teacher.averaging": "1",
        ]) { $1 }
        let rounds = try #require(try collection.run())
        #expect(rounds.isComplete, "\(rounds.failures)")
        let kept = try collection.catalog.unsafeRead { db in
            try Double.fetchOne(db, sql: "SELECT value FROM v_metric WHERE step = 'train-particles-2' AND name = 'kept_round'")
        }
        #expect(kept == 1)
        let set = try #require(try collection.catalog.collection.currentTrainingSet()?.id)
        let course = try collection.value("train-particles-2", "course", scopeID: set, as: TrainingSummary.self)
        #expect(course.end.contains("has no particle of the class macromolecule"), "\(course.end)")
        try checkParticles(collection, scene)
    }

    @Test("networks learn annotations, and a run that is stopped ends with the same results")
    func resumed() throws {
        let scene = try BallsAndSheet(z: 24, side: 80)
        let whole = try PipelineCollection.annotated(scene)
        let report = try #require(try whole.run())
        #expect(report.isComplete, "\(report.failures)")
        #expect(dice(try labels(whole).values, scene) > 0.8)
        try checkParticles(whole, scene)

        let stopped = try PipelineCollection.annotated(scene)
        var isComplete = false
        for attempt in 1..<200 where !isComplete {
            let cancellation = Cancellation()
            Thread.detachNewThread {
                // Longer each time, so that any epoch fits into one of them at last.
                Thread.sleep(forTimeInterval: 0.1 * pow(1.5, Double(attempt)))
                cancellation.cancel()
            }
            isComplete = try stopped.run(cancellation: cancellation)?.isComplete ?? true
        }
        #expect(isComplete)
        for (step, output) in [("segment", "labels"), ("segment", "probability"), ("pick", "particles")] {
            let digests = try [whole, stopped].map {
                try #require(try $0.catalog.results.standingArtifact(step: step, scopeID: $0.tomogramID, output: output))
            }
            #expect(digests[0] == digests[1], "\(step) \(output)")
        }
    }

    @Test("labels without a label teach what is ground, and are named")
    func negatives() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        let collection = try PipelineCollection.annotated(
            scene, settings: ["train-membrane.epoch.count": "1"], isTrainingSet: false)
        let path = collection.directory.file("nothing.mrc")
        let writer = try MRCWriter(path: path, shape: scene.shape, scalarType: .uint8, voxelSize: VoxelSize(cubicInAngstroms: 10))
        let nothing = [UInt8](repeating: 0, count: scene.shape.count)
        try writer.append(#require(VoxelBuffer(shape: scene.shape, values: nothing)))
        try writer.finish()
        let empty = try collection.catalog.collection.annotate(
            tomogramID: collection.tomogramID,
            with: NewAnnotation(
                kind: .labels, location: VolumeLocation(path: path), classes: [.init(name: "membrane", value: 1)],
                contentDigest: Digest(of: nothing)))
        let labelled = try collection.catalog.unsafeRead { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM annotation WHERE kind = 'labels' ORDER BY id")
        }
        _ = try collection.catalog.collection.addTrainingSet(named: "both", slabs: [], annotations: labelled)
        let failures = try #require(try collection.run()).failures
        #expect(!failures.contains { $0.hasPrefix("train-membrane") }, "\(failures)")
        let set = try #require(try collection.catalog.collection.currentTrainingSet()?.id)
        let digest = try #require(
            try collection.catalog.results.standingArtifact(step: "train-membrane", scopeID: set, output: "network"))
        let folder = URL(fileURLWithPath: collection.directory.path)
        let members = try TrainedNetwork(collection.store.open(digest)).open(in: folder).description.members
        #expect(members.count == 2 && members.count { $0.label.hasSuffix(", without a label") } == 1, "\(members)")
        // Alone it teaches nothing.
        _ = try collection.catalog.collection.addTrainingSet(named: "nothing", slabs: [], annotations: [empty])
        try collection.catalog.collection.useTrainingSet(named: "nothing")
        #expect(try #require(try collection.run()).failures.contains { $0.contains("no voxel of the class membrane") })
    }

    @Test("three-dimensional U-Nets train and segment, in blocks that are blended")
    func volumetric() throws {
        let scene = try BallsAndSheet(z: 24, side: 64)
        let collection = try PipelineCollection.annotated(
            scene,
            settings: [
                "train-membrane.network.dimensions": "3", "train-membrane.network.levels": "2", "train-membrane.patch.size": "16",
                "train-membrane.classes": "membrane", "segment.block": "32", "segment.margin": "4",
            ])
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        #expect(dice(try labels(collection).values, scene) > 0.8)
    }

    @Test("the size of blocks changes nothing that a two-dimensional network says")
    func blocks() throws {
        let scene = try BallsAndSheet(z: 8, side: 200)
        let collection = try PipelineCollection.annotated(
            scene,
            settings: [
                "train-membrane.network.levels": "2", "train-membrane.epoch.count": "2", "train-particles.epoch.count": "0",
            ])
        func probabilities() throws -> [UInt8] {
            let report = try #require(try collection.run())
            #expect(report.isComplete, "\(report.failures)")
            let digest = try #require(
                try collection.catalog.results.standingArtifact(
                    step: "segment", scopeID: collection.tomogramID, output: "probability"))
            return try collection.store.open(digest).read("class_1")
        }
        let whole = try probabilities()
        collection.settings["segment.block"] = "96"
        let cut = try probabilities()
        // A 255th may round to the other side.
        #expect(zip(whole, cut).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
        #expect(zip(whole, cut).count { $0 != $1 } < whole.count / 1000)
        // A block that holds little but margins is refused, not given smaller ones in silence.
        collection.settings["segment.block"] = "24"
        let refused = try #require(try collection.run())
        #expect(refused.failures.count == 1 && refused.failures[0].contains("too short for a margin"), "\(refused.failures)")
    }

    @Test("columns without a particle are not held out: they would say nothing", arguments: [(0.15, 0), (0.3, 1)])
    func heldOut(part: Double, validations: Int) throws {
        // The last ball lies at four fifths of the width.
        let collection = try PipelineCollection.annotated(
            BallsAndSheet(z: 24, side: 80),
            settings: [
                "train-membrane.epoch.count": "0", "train-particles.epoch.count": "1",
                "train-particles.validation.part": "\(part)",
            ])
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let (points, learned) = try collection.catalog.unsafeRead { db in
            (
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM v_curve WHERE step = 'train-particles' AND name = 'validation_dice'"),
                try Double.fetchOne(db, sql: "SELECT value FROM v_metric WHERE step = 'train-particles' AND name = 'particles'")
            )
        }
        #expect(points == validations)
        #expect(learned == Double(3 - validations))
    }

    @Test("what cannot be learned is refused with a sentence, and nothing else is lost")
    func refusals() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        let collection = try PipelineCollection.annotated(
            scene, settings: ["train-membrane.classes": "filament", "train-particles.classes": "vault"])
        var failures = try #require(try collection.run()).failures
        #expect(failures.contains { $0.contains("no voxel of the class filament") })
        #expect(failures.contains { $0.contains("no particle of the class vault") })
        collection.settings["train-membrane.classes"] = "membrane,membrane"
        collection.settings["train-particles.classes"] = " , "
        failures = try #require(try collection.run()).failures
        #expect(failures.count { $0.contains("names no class") } == 2)
        // A learning rate at which the loss leaves all numbers behind.
        collection.settings["train-membrane.classes"] = "membrane"
        collection.settings["train-membrane.optimizer.learning_rate"] = "10"
        collection.settings["train-membrane.optimizer.weight_decay"] = "10"
        collection.settings["train-membrane.network.normalization"] = "instance"
        collection.settings["train-membrane.epoch.count"] = "40"
        collection.settings["train-particles.classes"] = "macromolecule"
        collection.settings["train-particles.epoch.count"] = "1"
        let report = try #require(try collection.run())
        for failure in report.failures { #expect(failure.contains("not finite") || failure.contains("skipped")) }
    }

    @Test("a tomogram smaller than a block, and one of another voxel size")
    func otherTomograms() throws {
        let scene = try BallsAndSheet(z: 8, side: 64)
        let collection = try PipelineCollection.annotated(
            scene, settings: ["train-membrane.epoch.count": "1", "train-particles.epoch.count": "1"])
        func add(_ name: String, _ shape: VolumeShape, _ voxelSize: Double) throws -> Int64 {
            let path = collection.directory.file("\(name).mrc")
            var generator = RandomStream(state: 1)
            let values = (0..<shape.count).map { _ in Float.random(in: -1...1, using: &generator) }
            let writer = try MRCWriter(
                path: path, shape: shape, scalarType: .float32, voxelSize: VoxelSize(cubicInAngstroms: voxelSize))
            try writer.append(#require(VoxelBuffer(shape: shape, values: values)))
            try writer.finish()
            let volume = try VolumeLocation(path: path).open()
            return try collection.catalog.collection.add(
                [
                    NewTomogram(
                        name: name, location: VolumeLocation(path: path), format: volume.header.format,
                        scalarType: volume.scalarType, shape: volume.shape, headerVoxelSize: volume.header.voxelSize)
                ], dataset: "d")[0].id
        }
        let small = try add("small", #require(VolumeShape(z: 3, y: 5, x: 9)), 10)
        _ = try add("coarse", #require(VolumeShape(z: 8, y: 32, x: 32)), 20)
        let report = try #require(try collection.run())
        #expect(report.failures.count == 2, "\(report.failures)")
        #expect(report.failures.allSatisfy { $0.contains("voxel size of 20.0 Å") })
        let digest = try #require(
            try collection.catalog.results.standingArtifact(step: "segment", scopeID: small, output: "labels"))
        #expect(try collection.store.open(digest).description(of: "labels").shape == [3, 5, 9])
    }
}
