import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import Synchronization
import TestSupport
import Testing
import ToySteps

@Suite("What is removed") struct RemovalTests {
    @Test("no longer stands, is kept, and is found again when it comes back")
    func comingBack() throws {
        let toys = try ToyCollection()
        for name in ["a", "b"] {
            let id = try toys.add(name, text: name)
            try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
            try toys.annotate(id, name: "lines-\(name)", content: "x")
        }
        try toys.run()
        let before = try toys.results()
        let ids = try toys.catalog.unsafeRead { try Int64.fetchAll($0, sql: "SELECT id FROM v_tomogram WHERE name = 'a'") }
        let removal = try toys.catalog.collection.removal(of: .tomograms, ids: ids)
        let counts: [Int] = [removal.datasets, removal.tomograms, removal.annotations, removal.slabs]
        #expect(counts == [0, 1, 1, 1])
        let mine = before.keys.filter { $0.contains("toys/a") }
        #expect(removal.results == mine.count)
        try toys.catalog.collection.remove(.tomograms, ids: ids)
        #expect(try Set(toys.results().keys) == Set(before.keys.filter { $0.contains("toys/b") }))
        #expect(try toys.run().report == nil)
        #expect(try toys.catalog.integrityProblems() == [])

        let id = try toys.add("a")
        // Another tomogram for the catalog, whose id nobody had before.
        #expect(id > 2)
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
        try toys.annotate(id, name: "lines-a", content: "x")
        let (report, ran) = try toys.run()
        #expect(ran == [])
        #expect(report?.progress.foundAgain == removal.results)
        #expect(try toys.results() == before)
    }

    @Test("takes a dataset's tomograms along, and leaves others", arguments: [Catalog.Removable.datasets, .annotations, .slabs])
    func kinds(kind: Catalog.Removable) throws {
        let toys = try ToyCollection()
        for (name, dataset) in [("a", "one"), ("b", "one"), ("c", "two")] {
            let id = try toys.add(name, text: name, dataset: dataset)
            try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
            try toys.annotate(id, name: "lines-\(name)", content: "x")
        }
        try toys.run()
        func counts() throws -> [Int] {
            try ["v_dataset", "v_tomogram", "v_annotation", "v_slab"].map { view in
                try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(view)") ?? 0 }
            }
        }
        let removal = try toys.catalog.collection.removal(of: kind, ids: [1])
        let before = try counts()
        let results = try toys.results().count
        try toys.catalog.collection.remove(kind, ids: [1])
        let lost = [removal.datasets, removal.tomograms, removal.annotations, removal.slabs]
        #expect(try zip(before, counts()).map { $0 - $1 } == lost)
        #expect(try results - toys.results().count == removal.results)
        let expected: [Catalog.Removable: [Int]] = [.datasets: [1, 2, 2, 2], .annotations: [0, 0, 1, 0], .slabs: [0, 0, 0, 1]]
        #expect(lost == expected[kind])
        #expect(throws: CatalogError.self) { try toys.catalog.collection.remove(kind, ids: [1]) }
    }

    @Test("cannot be a member of a training set, and then nothing is removed")
    func members() throws {
        let toys = try ToyCollection()
        let ids = try ["a", "b"].map { try toys.add($0, text: $0) }
        let slab = try #require(try toys.catalog.collection.addSlab(tomogramID: ids[1], z: 0..<2).id)
        try toys.train("first", slabs: [slab])
        for (kind, ids) in [(Catalog.Removable.tomograms, ids), (.datasets, [1]), (.slabs, [slab])] {
            for attempt in [
                { _ = try toys.catalog.collection.removal(of: kind, ids: ids) },
                { try toys.catalog.collection.remove(kind, ids: ids) },
            ] {
                let error = #expect(throws: CatalogError.self) { try attempt() }
                #expect(error?.message.contains("`cellar training remove first`") == true)
            }
        }
        #expect(try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_tomogram") } == 2)
        // What was trained on it is known beyond its removal.
        try toys.run()
        try toys.catalog.collection.removeTrainingSet(named: "first")
        try toys.catalog.collection.remove(.tomograms, ids: [ids[1]])
        let member = try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT DISTINCT tomogram FROM trace_member") }
        #expect(member == "toys/b")
    }

    /// A step whose item, while it is at work, calls a closure.
    private struct Interrupted: Step {
        let name = "interrupted"
        let version = 1
        let scope: ScopeKind
        let summary = ""
        var inputs: [StepInput] {
            scope == .slab ? [.fact(.z)] : scope == .tomogram ? [.fact(.declaredVoxelSize)] : [.fact(.annotation)]
        }
        let outputs = [StepOutput.value("out")]
        let during: @Sendable () throws -> Void

        func run(_ item: StepItem) throws {
            try item.log("before", at: 1, 1)
            try during()
            try item.log("after", at: 2, 2)
            try item.give("out", value: 1)
        }
    }

    @Test("while its item is at work does not stand for anything when that ends", arguments: ScopeKind.allCases)
    func duringRun(scope: ScopeKind) throws {
        guard scope != .slice else { return }
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        let slab = try #require(try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<2).id)
        let annotation = try toys.annotate(id, name: "lines", content: "x")
        if scope == .trainingSet { try toys.train("set", slabs: [slab], annotations: [annotation]) }
        let catalog = toys.catalog
        let calls = Atomic<Int>(0)
        let step = Interrupted(scope: scope) {
            calls.add(1, ordering: .relaxed)
            switch scope {
            case .tomogram: try catalog.collection.remove(.tomograms, ids: [id])
            case .annotation: try catalog.collection.remove(.annotations, ids: [annotation])
            case .slab: try catalog.collection.remove(.slabs, ids: [slab])
            case .trainingSet: try catalog.collection.removeTrainingSet(named: "set")
            case .slice: break
            }
        }
        let graph = try StepGraph([step])
        let report = try Runner(catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps)).run()
        #expect(report?.progress.ran == 1 && calls.load(ordering: .relaxed) == 1)
        for table in ["head", "curve", "v_step", "v_curve"] {
            #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)") } == 0, "\(table)")
        }
        // The execution is remembered, until somebody drops it.
        #expect(try catalog.results.count(.init()).results == 0)
        #expect(try catalog.results.count(.init(ofRemoved: true)).results == 1)
        #expect(try catalog.results.drop(.init(ofRemoved: true)) == [])
        #expect(try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM trace") } == 0)
    }

    @Test("what nothing needs is dropped when told, and what stands, with all that it came from, stays")
    func dropping() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        let slab = try #require(try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<3).id)
        try toys.train("set", slabs: [slab])
        for note in ["one", "two", "three", "four"] {
            toys.settings["slice.note"] = note
            try toys.run()
        }
        let (before, runs) = (
            try toys.results(), try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM run") }
        )
        #expect(runs == 4)
        #expect(try toys.catalog.results.count(.init(keptRuns: 4)).results == 0)
        let unneeded = Catalog.Unneeded(keptRuns: 1)
        let count = try toys.catalog.results.count(unneeded)
        // Of three earlier notes: three slices, slab, summary, network, segments each.
        #expect(count.results == 21 && count.artifacts == 15 && count.bytes > 0)
        let digests = try toys.catalog.results.drop(unneeded)
        #expect(digests.count == 15)
        #expect(try toys.results() == before)
        #expect(try toys.plan().hasWork == false)
        #expect(try toys.catalog.results.count(unneeded).results == 0)
        #expect(try toys.catalog.integrityProblems() == [])
        // The first run's reading of the tomogram stands still.
        #expect(try toys.catalog.unsafeRead { try Int64.fetchAll($0, sql: "SELECT id FROM v_run ORDER BY id") } == [1, 4])
        try toys.store.remove(digests)
        // What was dropped is computed again, and nothing else.
        toys.settings["slice.note"] = "two"
        #expect(try toys.run().ran.count == 7)
        // A failure that nobody mended yet is no history.
        try toys.write("a", "broken")
        try toys.run()
        #expect(try toys.catalog.results.count(.init(keptRuns: 0)).results == 7)
        _ = try toys.catalog.results.drop(.init(keptRuns: 0))
        #expect(
            try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_failure WHERE status = 'failed'") }
                == 1)
    }
}
