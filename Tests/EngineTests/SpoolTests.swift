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

@testable import Engine

@Suite("A run over a spool") struct SpoolTests {
    private func filled() throws -> ToyCollection {
        let toys = try ToyCollection()
        try toys.fill()
        let slabs = try toys.catalog.unsafeRead { try Int64.fetchAll($0, sql: "SELECT id FROM slab ORDER BY id") }
        let annotations = try toys.catalog.unsafeRead { try Int64.fetchAll($0, sql: "SELECT id FROM annotation") }
        try toys.train("set", slabs: slabs, annotations: annotations)
        return toys
    }

    /// All that a run wrote, without times, hosts, runs and the numbers of rows. Keys of files are left out, since they have the path; so are
    /// the scopes of traces: of two items with one key, either may run.
    private func rows(_ toys: ToyCollection) throws -> [String] {
        let key = "CASE WHEN step.name = 'read' THEN 'file' ELSE hex(key) END"
        let trace = "JOIN trace ON trace.id = trace_id JOIN step ON step.id = step_id"
        let questions = [
            "SELECT step.name, \(key), status, error FROM trace JOIN step ON step.id = step_id",
            """
            SELECT \(key), trace_input.name, hex(digest), value FROM trace_input \(trace)
            WHERE trace_input.name <> 'source'
            """,
            "SELECT \(key), input, tomogram, label, hex(digest) FROM trace_member \(trace)",
            "SELECT \(key), trace_output.name, hex(digest), value FROM trace_output \(trace)",
            "SELECT \(key), metric.name, value FROM metric \(trace)",
            "SELECT hex(digest), kind, bytes > 0, evictable, state FROM artifact",
            "SELECT step.name, scope_id, \(key), hex(outputs) FROM head JOIN step ON step.id = step_id",
            """
            SELECT \(key), curve_point.name, x, value FROM curve JOIN curve_point ON curve_id = curve.id
            JOIN step ON step.id = step_id
            """,
        ]
        return try questions.flatMap { sql in
            try toys.catalog.unsafeRead { try Row.fetchAll($0, sql: sql) }.map { "\($0)" }.sorted()
        }
    }

    private func bundles(_ toys: ToyCollection) throws -> [String] {
        let folder = toys.catalog.directory.spool
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    }

    /// Nothing is left in the spool or staged, and all is as a local run gives it.
    private func expectClean(_ toys: ToyCollection, like local: ToyCollection) throws {
        #expect(try rows(toys) == rows(local))
        #expect(try toys.breaches() == [])
        #expect(try bundles(toys) == [])
        #expect(try toys.store.inventory().strays == [])
        #expect(try toys.run().report == nil)
    }

    @Test("gives what a run of threads gives, row for row", arguments: [1, 3, 1000])
    func equal(itemsPerTask: Int) throws {
        let (local, toys) = (try filled(), try filled())
        try local.run()
        let scheduler = try ThreadScheduler(toys.steps.all)
        let report = try toys.run(place: .spool(scheduler, .tests(itemsPerTask: itemsPerTask))).report
        #expect(report?.isComplete == true, "\(report?.failures ?? []) \(scheduler.errors)")
        try expectClean(toys, like: local)
    }

    @Test("takes what two workers on one task give, once")
    func twins() throws {
        let (local, toys) = (try filled(), try filled())
        try local.run()
        let scheduler = try ThreadScheduler(toys.steps.all, fault: .init(twins: 3))
        #expect(try toys.run(place: .spool(scheduler, .tests())).report?.isComplete == true)
        // One that comes late may find nothing to do any more.
        #expect(scheduler.errors.allSatisfy { $0.contains("is not there") || $0.contains("is gone") })
        try expectClean(toys, like: local)
    }

    @Test("does not mind a scheduler that knows nothing, and workers that are stopped and started again")
    func silentAndPreempted() throws {
        let local = try filled()
        try local.run()
        let silent = try filled()
        let scheduler = try ThreadScheduler(silent.steps.all, fault: .init(isSilent: true))
        #expect(try silent.run(place: .spool(scheduler, .tests())).report?.isComplete == true)
        try expectClean(silent, like: local)
        let toys = try filled()
        let preempted = try ThreadScheduler(toys.steps.all, fault: .init(preempts: { $0 < 3 }))
        #expect(try toys.run(place: .spool(preempted, .tests())).report?.isComplete == true)
        try expectClean(toys, like: local)
    }

    @Test("computes again where a result is cut off, is of another item, or its artifact is gone")
    func spoiled() throws {
        let local = try filled()
        try local.run()
        let spoilers: [@Sendable (String) throws -> Void] = [
            { path in truncate(path, off_t(try FileStatus(of: path).byteCount / 2)) },
            { path in try Data("cellar spool 1 \(Digest.zero)\n{}".utf8).write(to: URL(fileURLWithPath: path)) },
            { path in try SealedFile.write(["no": "result"], to: path) },
            { path in
                var result = try SealedFile.read(ItemResult.self, at: path)
                result.key = Digest.zero
                try SealedFile.write(result, to: path)
            },
            { path in
                var result = try SealedFile.read(ItemResult.self, at: path)
                for index in result.outputs.indices where result.outputs[index].staged != nil {
                    result.outputs[index].staged = "gone.h5"
                }
                if result.outputs.contains(where: { $0.staged != nil }) { try SealedFile.write(result, to: path) }
            },
            { path in
                var result = try SealedFile.read(ItemResult.self, at: path)
                result.outputs = []
                try SealedFile.write(result, to: path)
            },
        ]
        for (number, spoil) in spoilers.enumerated() {
            let toys = try filled()
            let problems = Mutex<[String]>([])
            // The results of a task are spoiled before the run is told that they are there.
            var options = SpoolOptions.tests(itemsPerTask: 1)
            options.resultPause = 0.05
            let fault = ThreadScheduler.Fault(after: { bundle, task, attempt in
                guard attempt == 1 else { return }
                let folder = BundleFolder(path: bundle).results(of: task)
                for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                    do { try spoil("\(folder)/\(name)") } catch { problems.withLock { $0.append("\(error)") } }
                }
            })
            let scheduler = try ThreadScheduler(toys.steps.all, fault: fault)
            let report = try toys.run(place: .spool(scheduler, options)).report
            #expect(report?.isComplete == true, "\(number): \(report?.failures ?? [])")
            try expectClean(toys, like: local)
        }
    }

    @Test("refuses an edited bundle, one of another version, and a spool that is gone, with a sentence")
    func badBundles() throws {
        func sentence(
            version: String = "0", before: @escaping @Sendable (_ bundle: String, _ task: Int) -> Void = { _, _ in }
        ) throws -> String {
            let toys = try filled()
            let scheduler = try ThreadScheduler(
                toys.steps.all, version: version, fault: .init(before: { bundle, task, _ in before(bundle, task) }))
            let error = #expect(throws: EngineError.self) { try toys.run(place: .spool(scheduler, .tests())) }
            // Nothing is lost, and the next run goes on.
            #expect(try toys.breaches() == [])
            #expect(try toys.run().report?.isComplete == true)
            return error.map { "\($0)" } ?? ""
        }
        #expect(try sentence(version: "2").contains("written by Cellar 0, and this is Cellar 2"))
        let edited = try sentence { bundle, task in
            let url = URL(fileURLWithPath: BundleFolder(path: bundle).task(task))
            let text = (try? String(contentsOf: url, encoding: .utf8)) ?? ""
            try? Data(text.replacingOccurrences(of: "toys/", with: "toy5/").utf8).write(to: url)
        }
        #expect(edited.contains("was edited"))
        let cut = try sentence { bundle, _ in truncate(BundleFolder(path: bundle).header, 100) }
        #expect(cut.contains("cut off"))
        // Away at once: while it is deleted file by file, another file may be missed first.
        let gone = try sentence { bundle, _ in rename(bundle, "\(bundle)/../../away") }
        #expect(gone.contains("is gone"))
    }

    @Test(
        "leaves no bundle behind whose run was killed before it submitted a job, nor one that cannot be read, where nothing is stale"
    )
    func unsubmittedBundle() throws {
        let faults: [@Sendable (BundleFolder) -> Void] = [
            { unlink($0.jobs) }, { truncate($0.jobs, 10) }, { truncate($0.header, 10) },
        ]
        for (number, damage) in faults.enumerated() {
            let (directory, toys) = (try TemporaryDirectory(), try filled())
            defer { withExtendedLifetime(directory) {} }
            let kept = directory.file("kept")
            // The first bundle as it is before anything of it is computed.
            let name = Mutex("")
            let fault = ThreadScheduler.Fault(before: { bundle, _, _ in
                name.withLock { name in
                    guard name.isEmpty else { return }
                    name = BundleFolder(path: bundle).id
                    try? FileManager.default.copyItem(atPath: bundle, toPath: kept)
                }
            })
            #expect(
                try toys.run(place: .spool(ThreadScheduler(toys.steps.all, fault: fault), .tests())).report?.isComplete == true)
            let folder = BundleFolder(path: "\(toys.catalog.directory.spool)/\(name.withLock(\.self))")
            try FileManager.default.copyItem(atPath: kept, toPath: folder.path)
            damage(folder)
            #expect(FilePath.exists(folder.path))
            #expect(try toys.run().report == nil)
            #expect(!FilePath.exists(folder.path), "fault \(number)")
        }
    }

    @Test("refuses a worker whose step has another version or configuration")
    func otherBuild() throws {
        let toys = try filled()
        var steps = ToySteps()
        steps.versions["slice"] = 2
        let scheduler = try ThreadScheduler(steps.all)
        let error = #expect(throws: EngineError.self) { try toys.run(place: .spool(scheduler, .tests())) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("the step slice has version 1 there, and 2 here"))
    }

    @Test("records failures as a local run does, and what depends on them is skipped")
    func failures() throws {
        let (local, toys) = (try filled(), try filled())
        for collection in [local, toys] { try collection.add("bad", text: "broken") }
        try local.run()
        let scheduler = try ThreadScheduler(toys.steps.all)
        let report = try toys.run(place: .spool(scheduler, .tests())).report
        #expect(report?.progress.failed == 1 && report?.failures.first?.contains("the file is broken") == true)
        #expect(try rows(toys) == rows(local))
        #expect(try bundles(toys) == [])
    }

    @Test("knows of each item its machine, job and memory, and of one that failed what its worker printed")
    func places() throws {
        let toys = try filled()
        try toys.add("bad", text: "broken")
        let scheduler = try ThreadScheduler(
            toys.steps.all,
            fault: .init(before: { bundle, task, _ in
                try? "a long story\n".write(toFile: "\(bundle)/logs/\(task)", atomically: true, encoding: .utf8)
            }))
        _ = try toys.run(place: .spool(scheduler, .tests()))
        let rows = try toys.catalog.unsafeRead {
            try Row.fetchAll($0, sql: "SELECT host, job, memory_bytes FROM v_trace WHERE status = 'done'")
        }
        #expect(!rows.isEmpty)
        for row in rows {
            #expect(row[0] == ProcessInfo.processInfo.hostName && (row[1] as String?)?.contains("_") == true)
            #expect((row[2] as Int64?).map { $0 > 1 << 20 && $0 < 1 << 40 } == true)
        }
        let failure = try toys.catalog.unsafeRead {
            try Row.fetchOne($0, sql: "SELECT job, text FROM v_failure JOIN v_log USING (trace_id) WHERE status = 'failed'")
        }
        #expect(failure?["text"] == "a long story\n" && (failure?["job"] as String?)?.contains("_") == true)
        // What is recorded is asked for by the next run.
        let plan = try Planner(
            toys.catalog, graph: StepGraph(toys.steps.all), recipe: Recipe(steps: StepGraph(toys.steps.all).steps)
        ).plan()
        #expect(plan.summaries.contains { $0.failed > 0 && $0.recordedMemoryBytes != nil })
    }

    @Test("is seen by others while it waits, with all that workers staged for it")
    func waiting() throws {
        let toys = try filled()
        let cancellation = Cancellation()
        let end = Mutex<Bool>(false)
        let scheduler = try ThreadScheduler(
            toys.steps.all,
            fault: .init(after: { [store = toys.store] _, _, _ in
                guard (try? store.inventory().strays.isEmpty) == false else { return }
                cancellation.cancel()
                while !end.withLock({ $0 }) { usleep(10_000) }
            }))
        defer { end.withLock { $0 = true } }
        var options = SpoolOptions.tests(itemsPerTask: 1000)
        (options.endsTasksWhenStopped, options.resultPause, options.folder) = (
            false, 5, "\(toys.catalog.directory.path)/elsewhere"
        )
        _ = try toys.run(place: .spool(scheduler, options), cancellation: cancellation)
        let bundles = SpooledBundle.all(of: toys.catalog.directory)
        #expect(!bundles.isEmpty && bundles.allSatisfy { !$0.jobs.isEmpty })
        let tasks = bundles.flatMap(\.tasks)
        #expect(tasks.reduce(0) { $0 + $1.ended } > 0 && tasks.contains { $0.job != nil && $0.host != nil })
        let owners = SpooledBundle.owners(of: toys.catalog.directory)
        let staged = try toys.store.inventory().strays
        #expect(!staged.isEmpty && staged.allSatisfy { $0.isOwned(by: owners) })
        #expect(try toys.store.removeStrays(olderThan: .zero, keepingThoseOf: owners) == [])
        #expect(try toys.store.inventory().strays.map(\.path) == staged.map(\.path))
    }

    /// A collection whose first task fails, and the options of a cluster.
    private func failing() throws -> (ToyCollection, SpoolOptions) {
        let toys = try ToyCollection()
        try toys.add("bad", text: "broken")
        try toys.fill()
        var options = SpoolOptions.tests(itemsPerTask: 1)
        options.endsTasksWhenStopped = false
        return (toys, options)
    }

    @Test("ends the jobs that it submitted to a cluster where an item fails under fail-fast")
    func failFast() throws {
        let (toys, options) = try failing()
        let scheduler = try ThreadScheduler(toys.steps.all, fault: .init(waitsForCancelling: { $0 > 0 }))
        let report = try toys.run(failsFast: true, place: .spool(scheduler, options)).report
        #expect(report?.progress.failed == 1 && report?.wasStopped == true)
        #expect(scheduler.cancelledJobs == ["1"])
        #expect(try bundles(toys) == [])
        let next = try toys.run(place: .spool(ThreadScheduler(toys.steps.all), options)).report
        #expect(next?.progress.failed == 1 && next?.wasStopped == false)
        #expect(scheduler.errors == [])
    }

    @Test("leaves jobs of an earlier run alone where an item of them fails under fail-fast")
    func failFastOfAnotherRun() throws {
        let (toys, options) = try failing()
        let mayFail = Atomic<Bool>(false)
        let isFree = Atomic<Bool>(false)
        let cancellation = Cancellation()
        let scheduler = try ThreadScheduler(
            toys.steps.all,
            fault: .init(before: { _, task, _ in
                cancellation.cancel()
                while !(task == 0 ? mayFail.load(ordering: .relaxed) : isFree.load(ordering: .relaxed)) { usleep(1000) }
            }))
        let first = try toys.run(place: .spool(scheduler, options), cancellation: cancellation).report
        #expect(first?.wasStopped == true && scheduler.jobCount == 1)
        mayFail.store(true, ordering: .relaxed)
        let second = try toys.run(failsFast: true, place: .spool(scheduler, options)).report
        #expect(second?.progress.failed == 1 && second?.wasStopped == true)
        #expect(scheduler.cancelledJobs == [])
        #expect(try bundles(toys).count == 1)
        isFree.store(true, ordering: .relaxed)
        #expect(try toys.run(place: .spool(scheduler, options)).report?.wasStopped == false)
        #expect(scheduler.errors == [])
        #expect(try bundles(toys) == [])
    }

    @Test("computes nothing again that ended while the next run took over")
    func endsMeanwhile() throws {
        let toys = try filled()
        let isSecond = Atomic<Bool>(false)
        let isFree = Atomic<Bool>(false)
        let cancellation = Cancellation()
        let scheduler = try ThreadScheduler(
            toys.steps.all,
            fault: .init(
                before: { _, _, _ in
                    cancellation.cancel()
                    while !isFree.load(ordering: .relaxed) { usleep(1000) }
                },
                waitsForEnds: {
                    guard isSecond.load(ordering: .relaxed) else { return false }
                    isFree.store(true, ordering: .relaxed)
                    return true
                }))
        var options = SpoolOptions.tests(itemsPerTask: 1000)
        options.endsTasksWhenStopped = false
        let first = try toys.run(place: .spool(scheduler, options), cancellation: cancellation)
        #expect(first.report?.wasStopped == true)
        isSecond.store(true, ordering: .relaxed)
        let second = try toys.run(place: .spool(scheduler, options))
        #expect(second.report?.isComplete == true)
        let all = (first.ran + second.ran).sorted()
        #expect(all == Set(all).sorted())
        #expect(scheduler.errors == [])
    }

    @Test("leaves the jobs of a cluster alone when it is stopped, and the next run takes what came of them")
    func leftAlone() throws {
        let (local, toys) = (try filled(), try filled())
        try local.run()
        let cancellation = Cancellation()
        let scheduler = try ThreadScheduler(
            toys.steps.all,
            fault: .init(before: { _, _, _ in
                cancellation.cancel()
                usleep(100_000)
            }))
        var options = SpoolOptions.tests(itemsPerTask: 1000)
        options.endsTasksWhenStopped = false
        let first = try toys.run(place: .spool(scheduler, options), cancellation: cancellation)
        #expect(first.report?.wasStopped == true)
        #expect(try bundles(toys).count == 1)
        // The same scheduler knows its jobs still: they are waited for, and nothing is submitted twice.
        let jobs = scheduler.jobCount
        _ = toys.steps.log.take()
        let second = try toys.run(place: .spool(scheduler, options))
        #expect(second.report?.isComplete == true)
        #expect(Set(second.ran).count == second.ran.count)
        #expect(scheduler.jobCount > jobs)
        try expectClean(toys, like: local)
    }

    @Test("asks for a job whose id was lost, and submits nothing twice")
    func lostAnswer() throws {
        let (local, toys) = (try filled(), try filled())
        try local.run()
        let scheduler = try ThreadScheduler(
            toys.steps.all, fault: .init(before: { _, _, _ in usleep(200_000) }, losesFirstAnswer: true))
        var options = SpoolOptions.tests(itemsPerTask: 1000)
        options.endsTasksWhenStopped = false
        #expect(throws: EngineError.self) { try toys.run(place: .spool(scheduler, options)) }
        #expect(try bundles(toys).count == 1)
        _ = toys.steps.log.take()
        let second = try toys.run(place: .spool(scheduler, options))
        #expect(second.report?.isComplete == true)
        #expect(Set(second.ran).count == second.ran.count)
        try expectClean(toys, like: local)
    }

    @Test("logs the curves of items, and removes their folders when they are done")
    func longItems() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        let seen = Mutex<[Int]>([])
        let catalog = toys.catalog
        let count = CountStep(to: 30) { number in
            usleep(130_000)
            if number == 30 { seen.withLock { $0.append((try? self.curveLength(catalog)) ?? 0) } }
        }
        let graph = try StepGraph([count])
        let report = try Runner(
            toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps),
            options: .init(jobs: 2, place: .spool(ThreadScheduler([count]), .tests()), version: "0")
        ).run()
        #expect(report?.isComplete == true)
        // People see the curve while the item runs.
        #expect(seen.withLock { $0.first ?? 0 } > 0)
        #expect(try curveLength(catalog) == 30)
        #expect(try WorkFolder(toys.catalog.directory).workspaces().isEmpty)
    }

    @Test("takes up an item that was asked to stop where it was")
    func continued() throws {
        let toys = try ToyCollection()
        try toys.add("a", text: "alpha")
        let worker = Mutex<Cancellation?>(nil)
        let count = CountStep(to: 30) { number in if number == 12 { worker.withLock { $0?.cancel() } } }
        let graph = try StepGraph([count])
        let scheduler = try ThreadScheduler(
            [count], fault: .init(began: { cancellation, attempt in worker.withLock { $0 = attempt == 1 ? cancellation : nil } }))
        let report = try Runner(
            toys.catalog, store: toys.store, graph: graph, recipe: Recipe(steps: graph.steps),
            options: .init(jobs: 2, place: .spool(scheduler, .tests()), version: "0")
        ).run()
        #expect(report?.isComplete == true && scheduler.jobCount == 2)
        let first = try toys.catalog.unsafeRead { try String.fetchOne($0, sql: "SELECT value FROM trace_output") }
        #expect(first == "13")
        #expect(try WorkFolder(toys.catalog.directory).workspaces().isEmpty)
    }

    private func curveLength(_ catalog: Catalog) throws -> Int {
        try catalog.unsafeRead { try Int.fetchOne($0, sql: "SELECT count(*) FROM curve_point") ?? 0 }
    }
}
