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
import Volumes

/// A step of one tomogram whose doing a test decides.
private struct ScriptedStep: Step {
    var name = "scripted"
    var inputs: [StepInput] = [.fact(.declaredVoxelSize)]
    var outputs = [StepOutput.artifact("out", evictable: true)]
    var version = 1
    let scope = ScopeKind.tomogram
    let summary = ""
    let body: @Sendable (StepItem) throws -> Void

    func run(_ item: StepItem) throws { try body(item) }
}

@Suite("In the corners of a run") struct RunCornerTests {
    private func run(_ toys: ToyCollection, _ steps: [any Step], cancellation: Cancellation = Cancellation()) throws -> RunReport?
    {
        let graph = try StepGraph(steps)
        return try Runner(
            toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps), options: .init(jobs: 2)
        )
        .run(cancellation: cancellation)
    }

    private func write(_ text: String, _ item: StepItem) throws {
        try item.give("out", artifact: "toy-text") { try $0.write("text", shape: [text.utf8.count], values: Array(text.utf8)) }
    }

    private func evictAll(_ toys: ToyCollection) throws {
        let digests = try toys.catalog.results.artifacts().map(\.digest)
        try toys.store.remove(digests)
        try toys.catalog.results.setState(.evicted, of: digests)
    }

    @Test("bytes that come back as others are told, and what reads them is computed from the new ones")
    func restoredOtherwise() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        let count = Atomic<Int>(0)
        let fickle = ScriptedStep { item in
            try self.write("try \(count.wrappingAdd(1, ordering: .relaxed).newValue)", item)
        }
        let reader = { (name: String) in
            ScriptedStep(name: name, inputs: [.output(of: "scripted", named: "out")], outputs: [.value("copy")]) { item in
                try item.give("copy", value: ToyText.read(item.artifact(of: "scripted", named: "out")))
            }
        }
        #expect(try run(toys, [fickle, reader("first")])?.isComplete == true)
        try evictAll(toys)
        // The second reader sends for bytes, and gets others than the first had.
        #expect(try run(toys, [fickle, reader("first"), reader("second")])?.isComplete == true)
        func value(_ step: String) throws -> String? {
            try toys.catalog.unsafeRead {
                try String.fetchOne(
                    $0, sql: "SELECT value FROM v_step JOIN trace_output USING (trace_id) WHERE step = ?", arguments: [step])
            }
        }
        #expect(try value("second") == "\"try 2\"")
        #expect(
            try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT message FROM v_event") }?.contains(
                "another result")
                == true)
        // What was computed from the old ones is stale, and made fresh by the next run.
        _ = try run(toys, [fickle, reader("first"), reader("second")])
        #expect(try value("first") == "\"try 2\"")
        #expect(try run(toys, [fickle, reader("first"), reader("second")]) == nil)
        #expect(try toys.breaches() == [])
    }

    @Test("bytes that cannot come back fail what needs them, once, and nothing else")
    func restoreFails() throws {
        let toys = try ToyCollection()
        for name in ["a", "b"] { try toys.catalog.collection.addSlab(tomogramID: toys.add(name, text: name), z: 0..<3) }
        try toys.run()
        try evictAll(toys)
        try FileManager.default.removeItem(atPath: toys.folder + "/.cellar/blobs/staging")
        try Data().write(to: URL(fileURLWithPath: toys.folder + "/.cellar/blobs/staging"))
        toys.settings["slab.depth"] = "5"
        let report = try #require(try toys.run().report)
        #expect(report.progress.failed == 6)
        #expect(report.progress.skipped == 4)
        #expect(report.progress.finished == report.progress.total)
        #expect(!report.isComplete)
        try FileManager.default.removeItem(atPath: toys.folder + "/.cellar/blobs/staging")
        try FileManager.default.createDirectory(atPath: toys.folder + "/.cellar/blobs/staging", withIntermediateDirectories: true)
        #expect(try toys.run().report?.isComplete == true)
        #expect(try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM v_failure") } == 0)
        #expect(try toys.breaches() == [])
    }

    @Test("a stop at any moment keeps what was published, and the next run does the rest", arguments: 0..<20)
    func cancellation(moment: Int) throws {
        let cancellation = Cancellation()
        let passed = Atomic<Int>(0)
        let toys = try ToyCollection { _ in
            if passed.wrappingAdd(1, ordering: .relaxed).newValue == moment * 5 { cancellation.cancel() }
        }
        try toys.fill()
        if moment == 0 { cancellation.cancel() }
        let (first, ran) = try toys.run(cancellation: cancellation)
        let report = try #require(first)
        let status = try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT status FROM v_run ORDER BY id DESC") }
        #expect(status == (report.wasStopped ? "interrupted" : "done"))
        #expect(report.wasStopped || moment * 5 > 20)
        #expect(try toys.breaches() == [])
        #expect(try toys.store.inventory().strays == [])
        let second = try toys.run()
        #expect(report.wasStopped == (second.report != nil))
        // Nothing that was done is done again: only what the two workers had begun and gave up.
        #expect(Set(ran).intersection(second.ran).count <= 2)
        #expect(try toys.results() == toys.cleanResults())
    }

    @Test("a file that is replaced or removed while it is read fails its item only")
    func changingSource() throws {
        let toys = try ToyCollection()
        for name in ["a", "b", "c"] { try toys.add(name, text: name) }
        let step = ScriptedStep(inputs: [.fact(.source)], outputs: [.voxels("text")]) { item in
            let path = item.scope.location?.path ?? ""
            if item.scope.tomogram == "toys/a" { try Data("replaced".utf8).write(to: URL(fileURLWithPath: path)) }
            if item.scope.tomogram == "toys/b" { try FileManager.default.removeItem(atPath: path) }
            try item.give("text", value: "read")
        }
        let report = try #require(try run(toys, [step]))
        #expect(report.progress.failed == 2)
        #expect(report.progress.ran == 1)
        let errors = try toys.catalog.unsafeRead { try String.fetchAll($0, sql: "SELECT error FROM v_failure ORDER BY tomogram") }
        #expect(errors.count == 2 && errors.allSatisfy { $0.contains("changed during the run") || $0.contains("is not there") })
    }

    @Test("a step opens a tomogram's file only where it said that it reads voxels, and needs the file then")
    func voxels() throws {
        let toys = try ToyCollection()
        let path = toys.path("a")
        try toys.add("a", text: "alpha")
        let look = ScriptedStep(name: "look", inputs: [.fact(.source)], outputs: [.voxels("line")]) { item in
            try item.give("line", value: String(contentsOfFile: item.scope.location?.path ?? "", encoding: .utf8))
        }
        func reader(_ version: Int) -> ScriptedStep {
            ScriptedStep(name: "reader", inputs: [.voxels], version: version) { item in
                // A toy's file is no volume, which is told by another error than that nothing may be opened.
                let error = #expect(throws: (any Error).self) { try item.openVolume() }
                #expect(!"\(String(describing: error))".contains("declares no input"))
                try self.write("x", item)
            }
        }
        let blind = ScriptedStep(name: "blind") { item in
            let error = #expect(throws: EngineError.self) { try item.openVolume() }
            #expect(error?.message.contains("declares no input voxels") == true)
            try self.write("y", item)
        }
        #expect(try run(toys, [look, reader(1), blind])?.progress.ran == 3)
        func summary(_ steps: [any Step]) throws -> Plan.StepSummary? {
            let graph = try StepGraph(steps)
            return try Planner(toys.catalog, graph: graph, recipe: Recipe(steps: graph.steps)).plan().summaries.first {
                $0.step == "reader"
            }
        }
        try FileManager.default.removeItem(atPath: path)
        #expect(try summary([look, reader(1), blind])?.fresh == 1)
        // What would be computed anew without the file stays as it is, until the file is back.
        #expect(try summary([look, reader(2), blind])?.offline == 1)
        #expect(try run(toys, [look, reader(2), blind]) == nil)
        // Where nothing stands yet, that is a failure.
        let second = ScriptedStep(name: "second", inputs: [.voxels]) { try self.write("z", $0) }
        let failed = try #require(try run(toys, [look, second]))
        #expect(failed.failures.first?.contains("is not there") == true)
        try toys.write("a", "alpha")
        #expect(try run(toys, [look, reader(2), blind, second])?.progress.ran == 3)
    }

    @Test("a step that breaks its promises fails by name, and leaves no file")
    func brokenPromises() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        let bodies: [@Sendable (StepItem) throws -> Void] = [
            { _ in },
            { try $0.give("out", value: "a value, not an artifact") },
            { try $0.give("other", value: 1) },
            {
                try self.write("x", $0)
                try self.write("y", $0)
            },
            { _ = try $0.value(String.self, of: "read", named: "text") },
            { _ = try $0.artifact(of: "slice", named: "image") },
            { _ = try $0.real("nothing") },
            { _ = try $0.integer("nothing") },
            {
                try self.write("x", $0)
                throw ToyError(description: "after all")
            },
        ]
        for body in bodies {
            let report = try #require(try run(toys, [ScriptedStep(body: body)]))
            #expect(report.progress.failed == 1)
            #expect(report.failures.first?.hasPrefix("scripted of toys/a: ") == true)
            #expect(try toys.store.inventory().strays == [])
            #expect(try toys.store.inventory().digests == [])
        }
    }

    @Test("a number recorded twice counts once, and one that is not finite is left out")
    func metrics() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        let step = ScriptedStep { item in
            for value in [1.0, 2, 3] { item.record("twice", value) }
            item.record("nothing", .nan)
            item.record("endless", .infinity)
            try self.write("x", item)
        }
        #expect(try run(toys, [step])?.isComplete == true)
        let rows = try toys.catalog.unsafeRead { try Row.fetchAll($0, sql: "SELECT name, value FROM v_metric") }
        #expect(rows == [["name": "twice", "value": 3.0]])
    }

    @Test("results of a slab that was removed are shown no more, and taken up again when it returns")
    func removedSlabs() throws {
        let toys = try ToyCollection()
        let id = try toys.add("a", text: "alpha")
        let slab = try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<3)
        try toys.catalog.collection.addSlab(tomogramID: id, z: 2..<4)
        try toys.run()
        try toys.catalog.collection.remove(.slabs, ids: [#require(slab.id)])
        func shown() throws -> [String] {
            try toys.catalog.unsafeRead {
                try String.fetchAll(
                    $0, sql: "SELECT step || ' ' || z_first FROM v_step WHERE z_first IS NOT NULL ORDER BY step, z_first")
            }
        }
        #expect(try shown() == ["slab 2", "slice 2", "slice 3"])
        #expect(try toys.catalog.results.reclaimableArtifacts().count { !$0.isCurrent } == 2)
        try toys.run()
        // Another slab is another scope, whatever was there before.
        try toys.catalog.collection.addSlab(tomogramID: id, z: 10..<11)
        #expect(try shown() == ["slab 2", "slice 2", "slice 3"])
        try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<3)
        #expect(try toys.run().ran == ["slab toys/a z 10..<11", "slice toys/a z 10", "summary toys/a"])
        #expect(try shown().count == 8)
    }

    @Test("a receipt that cannot be written is told, and the run counts as done")
    func receipt() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        try FileManager.default.removeItem(atPath: toys.catalog.directory.receipts)
        let error = #expect(throws: CatalogError.self) { try toys.run() }
        #expect(error?.code == .storage && error?.message.contains("receipt") == true)
        #expect(try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT status FROM v_run") } == "done")
        #expect(try toys.run().report == nil)
    }

    @Test("a run that was killed after its last result is closed by the next one, even where nothing is stale")
    func killedAtTheEnd() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        try toys.run()
        try DatabaseQueue(path: toys.catalog.directory.database).write { db in
            try db.execute(sql: "UPDATE run SET status = 'running', ended_at = NULL")
            try db.execute(sql: "INSERT INTO run_lock VALUES (1, 1, 'x', 'y', 1, 'now')")
        }
        #expect(try toys.run().report == nil)
        #expect(try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT status FROM v_run") } == "interrupted")
        #expect(try toys.catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM run_lock") } == 0)
    }
}
