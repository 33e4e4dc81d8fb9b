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
@testable import Training

@Suite("Rounds of training") struct TrainingRoundTests {
    private typealias Part = SliceInstances.Part

    private static let later = [
        "relabel-2", "train-membrane-2", "train-particles-2", "relabel-3", "train-membrane-3", "train-particles-3",
    ]

    /// A scene in which a slab and annotations teach.
    private func collection(_ settings: [String: String] = [:]) throws -> (collection: PipelineCollection, slab: Int64) {
        let collection = try PipelineCollection.annotated(
            BallsAndSheet(z: 12, side: 64),
            settings: [
                "prepare.tiles.size": "64", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "6",
                "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250",
                "train-membrane.epoch.count": "2", "train-membrane.network.width": "4", "train-membrane.network.levels": "2",
                "train-membrane.patch.size": "32", "train-particles.epoch.count": "1", "train-particles.epoch.steps": "2",
                "train-particles.patch.size": "24", "train-particles.patch.jitter": "2", "pick.margin": "2",
                "evaluate.classes": "ball=",
            ].merging(settings) { $1 }, isTrainingSet: false)
        let slab = try #require(try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 3..<9).id)
        let annotations = try collection.catalog.unsafeRead { try Int64.fetchAll($0, sql: "SELECT id FROM v_annotation") }
        _ = try collection.catalog.collection.addTrainingSet(named: "all", slabs: [slab], annotations: annotations)
        return (collection, slab)
    }

    /// The steps whose items the last run computed.
    private func executed(in collection: PipelineCollection) throws -> Set<String> {
        Set(
            try collection.catalog.unsafeRead {
                try String.fetchAll($0, sql: "SELECT step FROM v_trace WHERE run_id = (SELECT max(id) FROM v_run)")
            })
    }

    /// The network of a step on the current training set.
    private func network(_ step: String, of collection: PipelineCollection) throws -> Digest? {
        let set = try #require(try collection.catalog.collection.currentTrainingSet()?.id)
        return try collection.catalog.results.standingArtifact(step: step, scopeID: set, output: "network")
    }

    private func metric(_ step: String, _ name: String, of collection: PipelineCollection) throws -> Double? {
        try collection.catalog.unsafeRead {
            try Double.fetchOne($0, sql: "SELECT value FROM v_metric WHERE step = ? AND name = ?", arguments: [step, name])
        }
    }

    private func segmentation(_ collection: PipelineCollection) throws -> Digest {
        try #require(
            try collection.catalog.results.standingArtifact(step: "segment", scopeID: collection.tomogramID, output: "labels"))
    }

    @Test("one round has no steps of later ones: neither in plans nor in what others read")
    func one() throws {
        func graph(_ rounds: String, until last: String? = nil) throws -> StepGraph {
            var recipe = Recipe(steps: StandardSteps.all)
            try recipe.set("training.rounds", to: rounds)
            return try StepGraph(StandardSteps.all).adapted(to: recipe, until: last)
        }
        func inputs(_ step: String, _ rounds: String) throws -> [String] {
            let graph = try graph(rounds)
            return graph.steps[try graph.index(of: step)].inputs.map(\.name).filter { $0.hasPrefix("train") }
        }
        for (rounds, names) in [("1", []), ("2", Array(Self.later.prefix(3))), ("3", Self.later)] {
            #expect(try Set(graph(rounds).steps.map(\.name)).intersection(Self.later) == Set(names))
        }
        #expect(try inputs("segment", "1") == ["train-membrane.network"] && inputs("pick", "1") == ["train-particles.network"])
        #expect(
            try inputs("segment", "2") == ["train-membrane-2.network"] && inputs("pick", "2") == ["train-particles-2.network"])
        #expect(
            try inputs("segment", "3") == ["train-membrane-3.network"] && inputs("pick", "3") == ["train-particles-3.network"])
        // Asked for by name, a step runs whatever the recipe says.
        #expect(try graph("1", until: "train-membrane-2").steps.map(\.name).contains("relabel-2"))
        #expect(throws: EngineError.self) { try graph("4") }
        // What lies outside of the sample is ground in every round, unless the recipe keeps it in the first one.
        func readsExtent(_ outside: String) throws -> [Bool] {
            var recipe = Recipe(steps: StandardSteps.all)
            try recipe.set("training.rounds", to: "3")
            try recipe.set("pseudo-labels.outside", to: outside)
            let graph = try StepGraph(StandardSteps.all).adapted(to: recipe)
            return try ["pseudo-labels", "relabel-2", "relabel-3"].map { step in
                graph.steps[try graph.index(of: step)].inputs.map(\.name).contains("extent.extent")
            }
        }
        #expect(try readsExtent("ground") == [true, true, true] && readsExtent("keep") == [false, false, false])
        // They share the recipe's values with the first round, and the choice is in none of their keys.
        let recipe = Recipe(steps: StandardSteps.all)
        #expect(!recipe.entries.contains { Self.later.contains($0.step) })
        #expect(recipe.entries.count { $0.key == "train-membrane.seed" } == 1)
        #expect(recipe["training.rounds"] == .integer(1) && TrainingRounds.count(in: recipe) == 1)
    }

    @Test("a second round trains on the labels that networks agree with; back and forth, nothing runs twice")
    func two() throws {
        let (collection, slab) = try collection()
        let first = try #require(try collection.run())
        #expect(first.isComplete, "\(first.failures)")
        #expect(try executed(in: collection).isDisjoint(with: Self.later))
        let before = try segmentation(collection)

        collection.settings["training.rounds"] = "2"
        let second = try #require(try collection.run())
        #expect(second.isComplete, "\(second.failures)")
        let steps = try executed(in: collection)
        #expect(steps.isSuperset(of: Self.later.prefix(3) + ["segment", "pick"]))
        #expect(steps.isDisjoint(with: Self.later.suffix(3)))
        #expect(
            steps.isDisjoint(with: ["describe", "prepare", "mask", "link", "pseudo-labels", "train-membrane", "train-particles"]))

        // The better network is the one that goes on.
        for step in ["train-membrane", "train-particles"] {
            let kept = try #require(try metric("\(step)-2", "kept_round", of: collection))
            let isSame = try network(step, of: collection) == network("\(step)-2", of: collection)
            #expect(isSame == (kept == 1), "\(step)")
            if let teacher = try metric("\(step)-2", "teacher_dice", of: collection),
                let student = try metric("\(step)-2", "student_dice", of: collection)
            {
                #expect((student > teacher) == (kept == 2), "\(step) \(teacher) \(student)")
            }
        }
        #expect(try metric("train-membrane-2", "teacher_dice", of: collection) != nil)
        let points = try collection.catalog.unsafeRead {
            try Int.fetchOne(
                $0, sql: "SELECT count(*) FROM v_curve WHERE step = 'train-membrane-2' AND name = 'validation_loss'")
        }
        #expect(points == 3, "that of the teacher, and two epochs")

        // Labels of the round: no class where the first labels have another one.
        func labels(_ step: String) throws -> PseudoLabels {
            let digest = try collection.catalog.results.standingArtifact(step: step, scopeID: slab, output: "labels")
            return PseudoLabels(try collection.store.open(#require(digest)))
        }
        let (old, new) = (try labels("pseudo-labels"), try labels("relabel-2"))
        #expect(try old.shape() == new.shape())
        for z in 0..<6 {
            for (one, other) in zip(try old.classes(slice: z), try new.classes(slice: z)) {
                let pair = (Part(rawValue: one), Part(rawValue: other))
                #expect(pair != (.membrane, .macromolecule) && pair != (.membrane, .ground))
                #expect(pair != (.macromolecule, .membrane) && pair != (.macromolecule, .ground))
            }
        }
        // Its objects are not counted beside those of pseudo-labels.
        #expect(try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "relabel-2").isEmpty)

        let after = try segmentation(collection)
        for (rounds, expected) in [("1", before), ("2", after)] {
            collection.settings["training.rounds"] = rounds
            #expect(try collection.run()?.progress.ran ?? 0 == 0)
            #expect(try segmentation(collection) == expected)
        }
        // A third round begins where the second ended.
        collection.settings["training.rounds"] = "3"
        let third = try #require(try collection.run())
        #expect(third.isComplete, "\(third.failures)")
        #expect(try executed(in: collection).isDisjoint(with: Self.later.prefix(3)))
        // Values of the recipe that only later rounds read make nothing of the first one stale.
        collection.settings["pseudo-labels.teacher.sure_membrane"] = "1"
        collection.settings["train-membrane.rounds.tolerance"] = "0.5"
        #expect(try #require(try collection.run()).isComplete)
        #expect(try executed(in: collection).isDisjoint(with: ["pseudo-labels", "train-membrane", "train-particles"]))
    }

    @Test("without a better network the first one is handed on, byte by byte, and later rounds train nothing")
    func ended() throws {
        // No epoch: no round can be better than the one before.
        let scene = try BallsAndSheet(z: 8, side: 64)
        let none = ["train-membrane.epoch.count": "0", "train-particles.epoch.count": "0"]
        let once = try PipelineCollection.annotated(scene, settings: none)
        let collection = try PipelineCollection.annotated(scene, settings: none.merging(["training.rounds": "3"]) { $1 })
        for collection in [once, collection] {
            let report = try #require(try collection.run())
            #expect(report.isComplete, "\(report.failures)")
        }
        let set = try #require(try collection.catalog.collection.currentTrainingSet()?.id)
        for step in ["train-membrane", "train-particles"] {
            let first = try network(step, of: collection)
            for (round, reason) in [(2, "no epoch was run"), (3, "round 2 was no better")] {
                let name = "\(step)-\(round)"
                #expect(try network(name, of: collection) == first && first != nil, "\(name)")
                #expect(try metric(name, "kept_round", of: collection) == 1)
                let course = try collection.value(name, "course", scopeID: set, as: TrainingSummary.self)
                #expect(course.end.contains(reason) && course.end.hasSuffix("the network of round 1 was kept"), "\(course.end)")
            }
        }
        #expect(try segmentation(collection) == segmentation(once))
    }

    @Test("labels that teach nothing are an answer: the model alone goes on, in every round, and who has none is told")
    func nothing() throws {
        let (collection, slab) = try collection(["training.rounds": "3", "pseudo-labels.teacher.averaging": "1"])
        let set = try collection.catalog.collection.addTrainingSet(named: "slab", slabs: [slab], annotations: [])
        try collection.catalog.collection.useTrainingSet(named: "slab")
        let picker = try PickerArchitecture(width: 4, classes: 1)
        let description = NetworkDescription(
            step: "train-particles", classes: ["macromolecule"], voxelSizeInAngstroms: 10, diametersInAngstroms: [200],
            patchSize: 24, seed: 1, epoch: 1, members: [])
        let path = collection.directory.file("picker.safetensors")
        try NetworkCheckpoint.write(NetworkArchitecture.picker(picker).network(seed: 1), to: path, metadata: description.metadata)
        try collection.addModel("picker", at: path)
        func picks() throws -> Digest? {
            try collection.catalog.results.standingArtifact(step: "pick", scopeID: collection.tomogramID, output: "particles")
        }
        collection.settings.merge(["pick.network": "builtin", "pick.model": "picker", "pick.score": "0.1"]) { $1 }
        #expect(try #require(try collection.run()).isComplete)
        let alone = try #require(try picks())

        // No particle is as large: the three rounds have no picker, and all else is there.
        collection.settings.merge(["pick.network": "both", "train-particles.size.least": "99999"]) { $1 }
        var report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        #expect(try picks() == alone)
        for step in ["train-particles", "train-particles-2", "train-particles-3"] {
            #expect(try metric(step, TrainingSummary.nothingToLearn, of: collection) == 1, "\(step)")
            let course = try collection.value(step, "course", scopeID: #require(set.id), as: TrainingSummary.self)
            #expect(course.end.contains("has no particle of the class macromolecule") && course.epochs == 0, "\(course.end)")
        }
        #expect(try metric("train-membrane-3", TrainingSummary.nothingToLearn, of: collection) == nil)
        let none = try TrainedNetwork(collection.store.open(#require(try network("train-particles-3", of: collection))))
        #expect(try none.absence?.contains("training add") == true && none.classes().names == ["macromolecule"])
        #expect(throws: PipelineError.self) { try none.forEachPart { _ in } }

        // The trained picker alone is asked for, and there is none.
        collection.settings["pick.network"] = "trained"
        report = try #require(try collection.run())
        #expect(report.failures.contains { $0.contains("has no particle of the class macromolecule") }, "\(report.failures)")
        // Labels that teach something make a network again: those of people.
        try collection.catalog.collection.useTrainingSet(named: "all")
        report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let some = try TrainedNetwork(collection.store.open(#require(try network("train-particles", of: collection))))
        #expect(some.absence == nil)
        // A class that people name is a failure where it is missing.
        collection.settings.merge(["pick.network": "both", "train-particles.classes": "vault"]) { $1 }
        #expect(try #require(try collection.run()).failures.contains { $0.contains("no particle of the class vault") })
    }

    @Test("a network is kept where it agrees more with the first labels, and has numbers")
    func comparison() {
        func validation(_ dice: Double?, loss: Double = 1) -> Validation {
            Validation(loss: loss, dice: dice, thresholds: [0.5], bestDice: dice)
        }
        func isKept(_ student: Validation?, over teacher: Validation?, tolerance: Double = 0) -> Bool {
            RoundComparison(teacher: teacher, student: student, tolerance: tolerance).isStudentKept
        }
        #expect(isKept(validation(0.8), over: validation(0.7)))
        #expect(!isKept(validation(0.7), over: validation(0.8)))
        #expect(!isKept(validation(0.8), over: validation(0.8)), "as good is not better")
        #expect(isKept(validation(0.75), over: validation(0.8), tolerance: 0.1))
        #expect(!isKept(validation(0.9, loss: .nan), over: validation(0.7)))
        #expect(!isKept(nil, over: validation(0.7)))
        // Nothing is held out, or no class is in it: nothing is known against the new one.
        #expect(isKept(nil, over: nil) && isKept(validation(nil), over: validation(nil)))
    }
}
