import Basics
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

@Suite("An item that takes long") struct LongItemTests {
    private func runner(_ toys: ToyCollection, _ steps: [any Step]) throws -> Runner {
        let graph = try StepGraph(steps)
        return Runner(toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps), options: .init(jobs: 2))
    }

    private func curve(_ toys: ToyCollection) throws -> [(x: Int, value: Double, state: String)] {
        try toys.catalog.unsafeRead {
            try Row.fetchAll($0, sql: "SELECT x, value, state FROM v_curve WHERE step = 'count' ORDER BY x")
        }
        .map { ($0[0], $0[1], $0[2]) }
    }

    private func first(_ toys: ToyCollection) throws -> Int? {
        try toys.catalog.unsafeRead {
            try String.fetchOne($0, sql: "SELECT value FROM v_step JOIN trace_output USING (trace_id) WHERE step = 'count'")
        }.flatMap { Int($0) }
    }

    private func workspaces(_ toys: ToyCollection) throws -> [WorkFolder.Workspace] {
        try WorkFolder(toys.catalog.directory).workspaces()
    }

    @Test("that is killed goes on from what it left, and its curve with it")
    func kill() throws {
        let directory = try TemporaryDirectory()
        let toys = try ToyCollection(folder: directory.path)
        try toys.add("a", text: "alpha")
        let child = try ChildProcess.crashRunner([directory.path, "count", "3000"])
        #expect(child.firstOutput().contains("begun"))
        // Others see the curve while the item runs.
        let seen = try curve(toys)
        #expect(seen.count >= 19 && seen.allSatisfy { $0.state == "running" })
        child.kill()
        #expect(try child.wait().end == .signal(SIGKILL))
        #expect(try workspaces(toys).count == 1 && workspaces(toys)[0].byteCount >= 2)
        let planner = try Planner(
            toys.catalog, graph: StepGraph([CountStep(to: 1) { _ in }]), recipe: Recipe(steps: [CountStep(to: 1) { _ in }]))
        #expect(try planner.continuedKeys(among: Set(workspaces(toys).map(\.key))).count == 1)

        let begins = Mutex<Int?>(nil)
        let count = CountStep(to: 60) { number in begins.withLock { if $0 == nil { $0 = number } } }
        #expect(try runner(toys, [count]).run()?.isComplete == true)
        let begin = try #require(try first(toys))
        #expect(begin >= 20)
        #expect(begins.withLock { $0 } == begin || begin > 60)
        #expect(try workspaces(toys).isEmpty)
        let whole = try curve(toys)
        #expect(whole.map(\.x) == Array(1...whole.count) && whole.count >= min(60, begin))
        #expect(whole.allSatisfy { $0.state == "standing" && $0.value == Double($0.x) })
        #expect(try planner.continuedKeys(among: Set([])).isEmpty)
    }

    @Test("that fails or is cancelled keeps its folder, and another key finds none")
    func failure() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha", voxelSize: 10)
        let failing = CountStep(to: 9) { if $0 == 5 { throw ToyError(description: "five") } }
        #expect(try runner(toys, [failing]).run()?.progress.failed == 1)
        #expect(try curve(toys).map(\.state) == ["earlier", "earlier", "earlier", "earlier"])
        #expect(try workspaces(toys).count == 1)
        let cancellation = Cancellation()
        let cancelling = CountStep(to: 9) { if $0 == 7 { cancellation.cancel() } }
        #expect(try runner(toys, [cancelling]).run(cancellation: cancellation)?.wasStopped == true)
        #expect(try workspaces(toys).count == 1)
        // Another voxel size, another key: begins at the beginning, and its curve takes the place of what was never ended.
        try toys.add("a", voxelSize: 12)
        #expect(try runner(toys, [CountStep(to: 3) { _ in }]).run()?.isComplete == true)
        #expect(try first(toys) == 1)
        #expect(try curve(toys).map(\.x) == [1, 2, 3])
        #expect(try workspaces(toys).count == 1)
        // The first key again.
        try toys.add("a", voxelSize: 10)
        #expect(try runner(toys, [CountStep(to: 9) { _ in }]).run()?.isComplete == true)
        #expect(try first(toys) == 8)
        #expect(try workspaces(toys).isEmpty)
        // Of the curve that was deleted, what was logged since; the other result keeps its own.
        #expect(try curve(toys).filter { $0.state == "standing" }.map(\.x) == [8, 9])
        #expect(try curve(toys).filter { $0.state == "earlier" }.map(\.x) == [1, 2, 3])
    }

    @Test("says how far it is, in the bar and in the time that is left")
    func reports() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        var shown: [RunProgress] = []
        let count = CountStep(to: 40) { _ in usleep(25_000) }
        _ = try runner(toys, [count]).run { shown.append($0) }
        let middle = shown.filter { $0.finished == 0 && $0.begun > 0 }
        #expect(middle.count >= 2)
        #expect(middle.map(\.fraction) == middle.map(\.fraction).sorted())
        #expect(middle.allSatisfy { $0.step == "count" && $0.note.hasSuffix("of 40") })
        let remaining = middle.compactMap(\.remainingSeconds)
        #expect(!remaining.isEmpty && remaining.allSatisfy { $0 > 0 && $0 < 60 })
        #expect(shown.last?.fraction == 1 && shown.last?.note == "" && shown.last?.begun == 0)
    }

    @Test("logs what is finite, and replaces what it logged before")
    func values() throws {
        struct LogStep: Step {
            let name = "log"
            let version = 1
            let scope = ScopeKind.tomogram
            let summary = ""
            let inputs = [StepInput.fact(.declaredVoxelSize)]
            let outputs = [StepOutput.value("key")]

            func run(_ item: StepItem) throws {
                for value in [1, 2, Double.nan, .infinity] { try item.log("loss", at: -3, value) }
                item.report(.nan, "nowhere")
                try item.give("key", value: item.key.hexadecimal)
            }
        }
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        #expect(try runner(toys, [LogStep()]).run()?.isComplete == true)
        let rows = try toys.catalog.unsafeRead { try Row.fetchAll($0, sql: "SELECT * FROM v_curve") }
        let row = try #require(rows.first)
        let (x, value, name, tomogram): (Int, Double, String, String) = (row["x"], row["value"], row["name"], row["tomogram"])
        #expect(rows.count == 1)
        #expect("\(name) of \(tomogram) at \(x): \(value)" == "loss of a at -3: 2.0")
        let key = try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT key FROM v_step") }
        #expect(row["key"] as String? == key)
        let given = try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT value FROM trace_output") }
        #expect(given == "\"\(key ?? "")\"")
    }
}
