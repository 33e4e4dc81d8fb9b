import Basics
import Catalog
import CatalogSchema
import GRDB
import TestSupport
import Testing
import ToySteps

@testable import Engine

@Suite("What was handed on") struct SpentArtifactTests {
    /// A tomogram with a slab of three slices, whose images are handed on to it.
    private func toys(budget: String) throws -> ToyCollection {
        let toys = try ToyCollection()
        toys.steps.handsOn = true
        toys.settings["catalog.budget"] = budget
        try toys.catalog.collection.addSlab(tomogramID: try toys.add("a", text: "alpha"), z: 0..<3)
        return toys
    }

    private func present(_ toys: ToyCollection) throws -> Int {
        try toys.catalog.unsafeRead { db in
            try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM v_step JOIN trace_output USING (trace_id) JOIN artifact ON artifact.id = artifact_id
                    WHERE step = 'slice' AND artifact.state = 'present'
                    """) ?? -1
        }
    }

    @Test("goes when its readers are done, nothing becomes stale by that, and it comes back where it is needed")
    func dropped() throws {
        let toys = try toys(budget: "0")
        #expect(try toys.run().ran.filter { $0.hasPrefix("slice") }.count == 3)
        #expect(try present(toys) == 0)
        #expect(try !toys.plan().hasWork)
        let before = try toys.results()
        // The slab is to be joined again: its slices run once more, and go once more.
        toys.settings["slab.depth"] = "4"
        let (report, ran) = try toys.run()
        #expect(
            report?.failures == [] && ran.filter { $0.hasPrefix("slice") }.count == 3 && ran.contains { $0.hasPrefix("slab") })
        #expect(try present(toys) == 0 && toys.breaches() == [])
        #expect(try toys.results().keys == before.keys)
        // Another slab reads two of them.
        try toys.catalog.collection.addSlab(tomogramID: 1, z: 1..<4)
        #expect(try toys.run(jobs: 1).ran.filter { $0.hasPrefix("slice") }.count == 3)
        #expect(try present(toys) == 0 && !toys.plan().hasWork)
    }

    @Test("stays within the budget, and goes in the next run with another one")
    func budget() throws {
        let toys = try toys(budget: "1")
        try toys.run()
        #expect(try present(toys) == 3)
        toys.settings["catalog.budget"] = "0"
        #expect(try toys.run().report == nil, "the budget makes nothing stale")
        try toys.add("b", text: "beta")
        try toys.run()
        #expect(try present(toys) == 0)
    }

    /// Reads the images of a slab's slices, and fails.
    private struct FailingStep: Step {
        let name = "failing"
        let version = 1
        let scope = ScopeKind.slab
        let summary = ""
        let inputs = [StepInput.output(of: "slice", named: "image")]
        let outputs = [StepOutput.value("nothing")]

        func run(_ item: StepItem) throws { throw ToyError(description: "it fails") }
    }

    @Test("stays where a reader failed, which may begin again")
    func failed() throws {
        let toys = try toys(budget: "0")
        let graph = try StepGraph(toys.steps.all + [FailingStep()])
        var recipe = Recipe(steps: graph.steps)
        try recipe.set("catalog.budget", to: "0")
        let report = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: recipe).run()
        #expect(report?.failures.count == 1)
        #expect(try present(toys) == 3)
    }

    @Test("stays where no step reads it")
    func wanted() throws {
        let toys = try toys(budget: "0")
        let graph = try toys.graph().upTo("slice")
        _ = try Runner(toys.catalog, store: toys.store, graph: graph, recipe: try toys.recipe()).run()
        #expect(try present(toys) == 3)
    }

    @Test(
        "whatever is edited between runs, a collection that drops it comes to what a clean run gives",
        arguments: UInt64(201)...224)
    func editScripts(seed: UInt64) throws {
        let edited = try EditedCollection(seed: seed)
        edited.toys.steps.handsOn = true
        edited.toys.settings["catalog.budget"] = "0"
        var generator = RandomStream(state: seed)
        for round in 0..<6 {
            for _ in 0..<Int.random(in: 2...4, using: &generator) { try edited.edit() }
            if round == 5 { try edited.mendAll() }
            let place: ExecutionPlace =
                seed % 3 == 0 ? .spool(try ThreadScheduler(edited.toys.steps.all), .tests(itemsPerTask: 2)) : .threads
            try edited.toys.run(jobs: Int.random(in: 1...4, using: &generator), place: place)
        }
        let (clean, mine) = (try edited.cleanResults(), try edited.toys.results())
        #expect(Set(mine.keys).isSuperset(of: clean.keys))
        let other = clean.filter { $0.value != "evicted" && mine[$0.key] != "evicted" && mine[$0.key] != $0.value }
        #expect(other == [:], "\(edited.story)")
        #expect(try edited.toys.breaches() == [])
    }
}
