import Basics
import BlobStore
import Catalog
import CatalogSchema
import TestSupport
import Testing
import ToySteps
import Volumes

@testable import Engine

/// The state of a run, driven by one thread in random orders.
@Suite("Run state") struct RunStateTests {
    /// Two tomograms, of which one has two slabs that overlap.
    private func toys() throws -> ToyCollection {
        let toys = try ToyCollection()
        let first = try toys.add("a", text: "one")
        try toys.add("b", text: "two")
        try toys.catalog.collection.addSlab(tomogramID: first, z: 3..<6)
        try toys.catalog.collection.addSlab(tomogramID: first, z: 5..<8)
        return toys
    }

    private func outcome(_ node: ItemNode, _ key: Digest, outputs: [String], succeeds: Bool, salt: UInt64) -> ItemOutcome {
        let begin = Timestamp.now
        guard succeeds else {
            return .trouble(
                ItemOutcome.Trouble(
                    stepID: 1, scopeID: 1, configurationID: 1, status: .failed, key: key, startedAt: begin, seconds: 0,
                    error: "on purpose"))
        }
        return .done(
            ItemOutcome.Completed(
                stepID: 1, scopeID: 1, configurationID: 1, key: key, startedAt: begin, seconds: 0, inputs: [], members: [],
                outputs: outputs.map { name in
                    ItemOutcome.Output(
                        name: name, digest: Digest(of: "\(node) \(name) \(salt)".utf8), content: .value("\"\(name)\""))
                }, metrics: [], objects: []))
    }

    @Test("every item ends, whatever the order, and its invariants hold after each operation", arguments: 0..<30)
    func randomOrder(seed: Int) throws {
        var random = RandomStream(state: UInt64(seed))
        let toys = try toys()
        let plan = try toys.plan()
        var state = RunState(plan)
        #expect(state.checkInvariants().isEmpty)
        let total = state.unfinished
        #expect(total > 10)
        let failing = seed % 3 == 0 ? 0 : 1.0 / Double(seed % 7 + 4)
        var atWork: [(node: ItemNode, key: Digest)] = []
        var ended = 0
        while !state.isOver {
            switch random.index(below: 4) {
            case 0, 1:
                guard let node = state.takeReady() else { break }
                let setup = plan.setups[node.step]
                let key = setup.key(inputs: try #require(state.inputs(of: node)).digests)
                if state.claim(key, for: node) { atWork.append((node, key)) }
            case 2 where !atWork.isEmpty:
                let (node, key) = atWork.remove(at: random.index(below: atWork.count))
                let outputs = plan.setups[node.step].outputNames
                state.finish(
                    RunState.Finished(
                        node: node,
                        outcome: outcome(node, key, outputs: outputs, succeeds: random.unit() >= failing, salt: UInt64(seed))))
            default:
                guard let batch = state.takeFinished() else { break }
                for item in batch {
                    ended += 1
                    for skipped in state.published(item) {
                        let trouble = ItemOutcome.Trouble(
                            stepID: 1, scopeID: 1, configurationID: 1, status: .skipped, key: nil, startedAt: Timestamp.now,
                            seconds: 0, error: "its input failed")
                        state.skip(RunState.Finished(node: skipped, outcome: .trouble(trouble)))
                    }
                }
                state.endPublishing()
            }
            let breaches = state.checkInvariants()
            guard breaches.isEmpty else {
                Issue.record("\(breaches)")
                return
            }
        }
        #expect(state.unfinished == 0)
        #expect(ended == total)
    }

    @Test("an item of the same key waits for the first one, and goes on after it")
    func twins() throws {
        let toys = try toys()
        let plan = try toys.plan()
        var state = RunState(plan)
        let (one, other) = (state.takeReady(), state.takeReady())
        let (first, second) = (try #require(one), try #require(other))
        let key = Digest(of: "one key".utf8)
        let (isFirst, isSecond) = (state.claim(key, for: first), state.claim(key, for: second))
        #expect(isFirst && !isSecond)
        #expect(state.checkInvariants().isEmpty)
        let outputs = plan.setups[first.step].outputNames
        state.finish(
            RunState.Finished(node: first, outcome: outcome(first, key, outputs: outputs, succeeds: true, salt: 0)))
        for item in state.takeFinished() ?? [] {
            let skipped = state.published(item)
            #expect(skipped.isEmpty)
        }
        state.endPublishing()
        #expect(state.checkInvariants().isEmpty)
        // The second one is ready again, among what the first one made ready.
        var taken: [ItemNode] = []
        while let node = state.takeReady() { taken.append(node) }
        #expect(taken.contains(second))
    }

    @Test("what was spent is kept once an item that read it is to bring its own bytes back")
    func spentAndWantedAgain() throws {
        let toys = try ToyCollection()
        toys.steps.handsOn = true
        try toys.catalog.collection.addSlab(tomogramID: try toys.add("a", text: "one"), z: 0..<2)
        try toys.run()
        // The summary is to be computed anew, and the volume that it reads is gone.
        let slab = try #require(
            toys.catalog.results.artifacts().first { try ToyText.read(toys.store.open($0.digest)).hasPrefix("3:") })
        try toys.store.remove(slab.digest)
        try toys.catalog.results.setState(.evicted, of: [slab.digest])
        toys.steps.versions["summary"] = 2
        toys.settings["catalog.budget"] = "0"
        let plan = try toys.plan()
        var state = RunState(plan)
        func disk() throws -> SpentArtifacts {
            var disk = SpentArtifacts(try toys.recipe(), byteCount: 100)
            disk.add(state.spentBefore.map { ($0, 10) })
            return disk
        }
        var before = try disk()
        let spent = before.takeExcess(where: state.isSpent)
        #expect(spent.count == 2)
        var disk = try disk()
        let taken = state.takeReady()
        let summary = try #require(taken)
        #expect(plan.graph.steps[summary.step].name == "summary")
        let isSentFor = state.sendForEvictedInputs(of: summary, key: Digest(of: "a key".utf8))
        #expect(isSentFor)
        let kept = disk.takeExcess(where: state.isSpent)
        #expect(kept == [] && disk.byteCount == 100)
        #expect(state.checkInvariants() == [])
    }

    @Test("nothing further begins where a run is stopping")
    func stopping() throws {
        let toys = try toys()
        var state = RunState(try toys.plan())
        let taken = state.takeReady()
        let node = try #require(taken)
        state.isStopping = true
        let next = state.takeReady()
        #expect(next == nil)
        #expect(!state.isOver)
        state.abandon(node)
        #expect(state.isOver)
    }
}
