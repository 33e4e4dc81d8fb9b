import BlobStore
import Catalog
import CatalogSchema
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing
import ToySteps
import Volumes

@testable import Engine

@Suite("Training") struct TrainingTests {
    /// Three tomograms with a slab each; the set `first` holds those of `a` and `b`.
    private struct Trained {
        let toys: ToyCollection
        var ids: [String: Int64] = [:]
        var slabs: [String: Int64] = [:]

        init(isTrained: Bool = true) throws {
            toys = try ToyCollection()
            for (name, text) in [("a", "alpha"), ("b", "beta"), ("c", "gamma")] {
                let id = try toys.add(name, text: text, voxelSize: 10)
                ids[name] = id
                slabs[name] = try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2).id
            }
            try toys.train("first", slabs: members("a", "b"))
            if isTrained { try toys.run() }
        }

        func members(_ names: String...) -> [Int64] { names.compactMap { slabs[$0] } }

        func selection(_ names: String...) -> [Int64] { names.compactMap { ids[$0] } }
    }

    @Test("without a training set, no step waits for one, and nothing is left to do")
    func noSet() throws {
        let toys = try ToyCollection()
        try toys.catalog.collection.addSlab(tomogramID: toys.add("a", text: "alpha"), z: 0..<2)
        #expect(try !toys.run().ran.contains { $0.hasPrefix("train") || $0.hasPrefix("segment") })
        let plan = try toys.plan()
        #expect(!plan.hasWork)
        #expect(plan.summaries.map(\.step).allSatisfy { $0 != "train" && $0 != "segment" })
        #expect(plan.stepsWithoutTrainingSet == ["train", "segment"])
        #expect(try toys.explain(1).stepsWithoutTrainingSet == ["train", "segment"])
    }

    @Test("reads the members of the set and nothing else, and every tomogram reads what was trained")
    func members() throws {
        let trained = try Trained()
        let results = try trained.toys.results()
        let network =
            "toys/a z 0..<2 alpha#1@10.0 Å: 3: z 0|alpha#1|1.0|plain / z 1|alpha#1|1.0|plain + "
            + "toys/b z 0..<2 beta#1@10.0 Å: 3: z 0|beta#1|1.0|plain / z 1|beta#1|1.0|plain"
        #expect(results["train first network"] == network)
        for (name, text) in [("a", "alpha"), ("b", "beta"), ("c", "gamma")] {
            #expect(results["segment toys/\(name) segments"] == "\(text)#1 by \(network)")
        }
        #expect(try !trained.toys.plan().hasWork)
        #expect(try trained.toys.breaches() == [])
    }

    @Test("is stale where a member changes, and only there; what reads the network follows")
    func changes() throws {
        let trained = try Trained()
        let toys = trained.toys
        // No member: its own chain alone.
        try toys.write("c", "delta")
        #expect(try !toys.run().ran.contains { $0.hasPrefix("train") })
        try toys.write("a", "omega")
        #expect(
            try toys.run().ran == [
                "read toys/a", "scale toys/a", "segment toys/a", "segment toys/b", "segment toys/c", "slab toys/a z 0..<2",
                "slice toys/a z 0", "slice toys/a z 1", "summary toys/a", "train first",
            ])
        // A new slab of a member's tomogram is no member, and slices are shared.
        try toys.catalog.collection.addSlab(tomogramID: trained.ids["a"] ?? 0, z: 1..<3)
        #expect(try toys.run().ran == ["slab toys/a z 1..<3", "slice toys/a z 2", "summary toys/a"])
        // The label names the tomogram.
        try toys.add("renamed", file: "b", voxelSize: 10)
        #expect(try toys.run().ran.contains("train first"))
        #expect(try !toys.plan().hasWork)
    }

    @Test("on another set keeps what was trained on the first, and finds it again")
    func sets() throws {
        let trained = try Trained()
        let toys = trained.toys
        let before = try toys.results()
        try toys.train("second", slabs: trained.members("c"))
        #expect(try toys.run().ran == ["segment toys/a", "segment toys/b", "segment toys/c", "train second"])
        #expect(
            try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_step WHERE step = 'train'") } == 2)
        try toys.catalog.collection.useTrainingSet(named: "first")
        #expect(try toys.plan().summaries.first { $0.step == "segment" }?.foundAgain == 3)
        #expect(try toys.run().ran == [])
        #expect(try toys.results() == before)
        // A set of the same members shares the result.
        try toys.catalog.collection.removeTrainingSet(named: "first")
        #expect(try !toys.plan().hasWork)
        try toys.train("third", slabs: trained.members("b", "a"))
        #expect(try toys.run().ran == [])
        #expect(try toys.results()["train third network"] == before["train first network"])
        #expect(try toys.breaches() == [])
    }

    @Test("notes every member of every input")
    func trainedOn() throws {
        let trained = try Trained(isTrained: false)
        let toys = trained.toys
        let annotation = try toys.annotate(trained.ids["c"] ?? 0, name: "dots", content: "drawn")
        try toys.train("both", slabs: trained.members("a"), annotations: [annotation])
        try toys.run()
        let rows = try toys.catalog.unsafeRead { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT input || ' ' || tomogram || ' ' || member || ' ' || length(digest) FROM v_trained_on
                    WHERE training_set = 'both' AND step = 'train' ORDER BY 1
                    """)
        }
        #expect(
            rows == [
                "annotation c annotation \(annotation) 64", "scale.scaled a  64", "scale.scaled c  64",
                "slab.volume a z 0..<2 64",
            ])
        #expect(try toys.results()["train both network"]?.hasSuffix(#" + toys/c dots.txt: ["drawn"]"#) == true)
        try toys.annotate(trained.ids["c"] ?? 0, name: "dots", content: "redrawn")
        #expect(try toys.run().ran.filter { $0.hasPrefix("train") } == ["train both"])
        #expect(try toys.results()["train both network"]?.hasSuffix(#"["redrawn"]"#) == true)
        let metrics = try toys.catalog.unsafeRead {
            try String.fetchAll(
                $0, sql: "SELECT training_set || ' ' || value || ' ' || (tomogram IS NULL) FROM v_metric WHERE step = 'train'")
        }
        #expect(metrics == ["both 2.0 1"])
    }

    @Test("of a selection happens where it covers the set; else what was trained stands as it is")
    func selections() throws {
        let trained = try Trained()
        let toys = trained.toys
        toys.steps.versions["segment"] = 2
        try toys.write("a", "omega")
        // The network is stale, and stands nevertheless.
        let held = try toys.plan(selection: trained.selection("c"))
        #expect(held.heldTrainingSet == "first")
        #expect(held.summaries.first { $0.step == "train" }?.total == 0)
        #expect(try toys.run(selection: trained.selection("c")).ran == ["segment toys/c"])
        #expect(try toys.results()["segment toys/c segments"]?.contains("alpha") == true)
        #expect(try !toys.plan(selection: trained.selection("c")).hasWork)
        // Of the two tomograms of the set, only one.
        #expect(try !toys.run(selection: trained.selection("a", "c")).ran.contains { $0.hasPrefix("train") })
        // All of the set.
        let all = try toys.run(selection: trained.selection("a", "b")).ran
        #expect(all.contains("train first") && !all.contains("segment toys/c"))
        #expect(try toys.run().ran == ["segment toys/c"])
    }

    @Test("that never was blocks what would read from it, with the reason, where the selection cannot train")
    func blocked() throws {
        let trained = try Trained(isTrained: false)
        let toys = trained.toys
        let plan = try toys.plan(selection: trained.selection("b", "c"))
        #expect(plan.summaries.first { $0.step == "segment" }?.blocked == 2)
        let report = try #require(try toys.run(selection: trained.selection("b", "c")).report)
        #expect(report.progress.skipped == 2 && !report.isComplete && report.progress.failed == 0)
        #expect(report.failures.first?.contains("trained on the training set first yet") == true)
        #expect(report.progress.finished == report.progress.total)
        let errors = try toys.catalog.unsafeRead {
            try String.fetchAll($0, sql: "SELECT DISTINCT error FROM v_failure WHERE step = 'segment'")
        }
        #expect(errors.count == 1 && errors[0].contains("run without --where"))
        #expect(try toys.run().report?.isComplete == true)
        #expect(try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_failure") } == 0)
    }

    @Test("fails with a member, and what reads from it is skipped")
    func failure() throws {
        let trained = try Trained(isTrained: false)
        try trained.toys.write("b", "broken")
        let report = try #require(try trained.toys.run().report)
        #expect(report.progress.failed == 1)
        let skipped = try trained.toys.catalog.unsafeRead {
            try String.fetchAll(
                $0,
                sql: """
                    SELECT step || ' ' || ifnull(tomogram, training_set) FROM v_failure WHERE step IN ('train', 'segment') ORDER BY 1
                    """)
        }
        #expect(skipped == ["segment a", "segment b", "segment c", "train first"])
        try trained.toys.write("b", "mended")
        #expect(try trained.toys.run().report?.isComplete == true)
    }

    @Test("brings back the dropped bytes that it needs, and is brought back where its own were dropped")
    func eviction() throws {
        let trained = try Trained()
        let toys = trained.toys
        func evictAll() throws {
            let digests = try toys.catalog.results.artifacts().map(\.digest)
            try toys.store.remove(digests)
            try toys.catalog.results.setState(.evicted, of: digests)
        }
        try evictAll()
        #expect(try !toys.plan().hasWork)
        toys.steps.versions["segment"] = 2
        #expect(try toys.plan().summaries.first { $0.step == "train" }?.restore == 1)
        // A selection cannot train, and what was trained cannot be read.
        #expect(try toys.plan(selection: trained.selection("c")).summaries.first { $0.step == "segment" }?.blocked == 1)
        let ran = try toys.run().ran
        #expect(ran.contains("train first") && ran.contains("slab toys/a z 0..<2") && !ran.contains("slab toys/c z 0..<2"))
        try evictAll()
        toys.steps.versions["train"] = 2
        #expect(try toys.run().report?.isComplete == true)
        #expect(try !toys.plan().hasWork)
        #expect(try toys.breaches() == [])
    }

    @Test("is explained to the tomogram that waits for it")
    func explanation() throws {
        let trained = try Trained()
        let toys = trained.toys
        #expect(try toys.explain(trained.ids["c"] ?? 0).groups.allSatisfy { $0.state == .fresh })
        try toys.write("a", "omega")
        let waiting = try toys.explain(trained.ids["c"] ?? 0)
        #expect(waiting.tomogram == "toys/c")
        #expect(waiting.groups.first { $0.step == "segment" }?.reasons == ["waits for train"])
        #expect(waiting.groups.first { $0.step == "train" }?.items == ["first"])
        #expect(waiting.groups.first { $0.step == "read" }?.state == .fresh)
        // All but the training, whose input is then known.
        toys.steps.versions["train"] = 2
        let graph = try toys.graph().upTo("summary")
        _ = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: toys.recipe()).run()
        let reasons = try toys.explain(trained.ids["c"] ?? 0).groups.first { $0.step == "train" }?.reasons ?? []
        #expect(reasons.first == "step train: version 1 → 2")
        #expect(reasons.contains { $0.hasPrefix("slab volume [toys/a z 0..<2]: digest ") })
        #expect(!reasons.contains { $0.contains("toys/b") })
    }

    @Test("reads the slices of its slabs, each once, in order, and opens the tomograms of its members, and no other")
    func slicesAndVolumes() throws {
        let toys = try ToyCollection()
        var slabs: [Int64] = []
        let shape = try #require(VolumeShape(z: 4, y: 2, x: 3))
        for (name, level) in [("a", UInt8(1)), ("b", 2), ("c", 3)] {
            let path = "\(toys.folder)/\(name).mrc"
            let writer = try MRCWriter(path: path, shape: shape, scalarType: .uint8, voxelSize: nil)
            try writer.append(#require(VoxelBuffer(shape: shape, values: [UInt8](repeating: level, count: shape.count))))
            try writer.finish()
            let tomogram = NewTomogram(
                name: name, location: VolumeLocation(path: path), format: "mrc", scalarType: .uint8, shape: shape)
            let id = try toys.catalog.collection.add([tomogram], dataset: "real")[0].id
            // Overlapping, and one that is no member.
            for z in [0..<2, 1..<3, 3..<4] {
                slabs.append(try #require(try toys.catalog.collection.addSlab(tomogramID: id, z: z).id))
            }
        }
        try toys.train("two", slabs: [slabs[4], slabs[0], slabs[1]])
        let seen = Mutex<[String]>([])
        let slice = TrainedStep(name: "slice", scope: .slice, inputs: [.fact(.z)], outputs: [.artifact("image", evictable: true)])
        { item in
            try item.give("image", artifact: "toy") {
                try $0.write("z", shape: [1], values: [Int32(item.scope.z?.lowerBound ?? -1)])
            }
        }
        let look = TrainedStep(name: "look", scope: .tomogram, inputs: [.fact(.source)], outputs: [.voxels("level")]) { item in
            try item.give("level", value: item.openVolume().readSlice(z: 0).bytes[0])
        }
        let train = TrainedStep(
            name: "train", scope: .trainingSet, inputs: [.voxels, .output(of: "slice", named: "image")],
            outputs: [.value("sum")]
        ) { item in
            #expect(item.scope.kind == .trainingSet && item.scope.tomogram == "two")
            #expect(item.scope.tomogramID == nil && item.scope.location == nil && item.scope.z == nil)
            // It has no file of its own, and nobody opens what was not declared.
            #expect(throws: EngineError.self) { try item.openVolume() }
            try item.forEachArtifact(of: "slice", named: "image") { member in
                let level = try item.openVolume(of: member.scope).readSlice(z: 0).bytes[0]
                let z = try member.artifact.read("z", as: Int32.self)
                seen.withLock { $0.append("\(member.scope.tomogram) \(member.scope.label): \(z), \(level)") }
                let stranger = StepItem.Scope(
                    kind: .tomogram, id: 3, tomogram: "real/c", tomogramID: 3, location: member.scope.location, z: nil, label: "")
                #expect(throws: EngineError.self) { try item.openVolume(of: stranger) }
            }
            try item.give("sum", value: 1)
        }
        let graph = try StepGraph([train, slice, look])
        func run() throws -> RunReport? {
            try Runner(toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
        }
        #expect(try run()?.failures == [])
        #expect(
            seen.withLock { $0 } == [
                "real/a z 0: [0], 1", "real/a z 1: [1], 1", "real/a z 2: [2], 1", "real/b z 1: [1], 2", "real/b z 2: [2], 2",
            ])
        // Another file of a member makes it stale, and one that is gone leaves what was trained.
        try FileManager.default.removeItem(atPath: "\(toys.folder)/b.mrc")
        let planner = Planner(toys.catalog, graph: graph, recipe: Recipe(steps: graph.steps))
        func summary(_ step: String) throws -> Plan.StepSummary? { try planner.plan().summaries.first { $0.step == step } }
        #expect(try summary("look")?.offline == 1)
        #expect(try summary("train")?.fresh == 1)
        try FileManager.default.copyItem(atPath: "\(toys.folder)/c.mrc", toPath: "\(toys.folder)/b.mrc")
        #expect(try summary("look")?.stale == 1)
        #expect(try summary("train")?.waiting == 1)
        try FileManager.default.removeItem(atPath: "\(toys.folder)/c.mrc")
        #expect(try run()?.isComplete == true)
        #expect(seen.withLock { $0.last } == "real/b z 2: [2], 3")
    }
}

/// A step whose doing a test decides.
private struct TrainedStep: Step {
    let name: String
    let version = 1
    let scope: ScopeKind
    let summary = ""
    let inputs: [StepInput]
    let outputs: [StepOutput]
    let body: @Sendable (StepItem) throws -> Void

    func run(_ item: StepItem) throws { try body(item) }
}
