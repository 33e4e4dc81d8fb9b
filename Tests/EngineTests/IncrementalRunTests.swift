import Basics
import Engine
import TestSupport
import Testing
import ToySteps

/// The law of the engine: however a collection came to be what it is, its results are those of a new one, and nothing
/// ran that did not depend on a change.
@Suite("An incremental run") struct IncrementalRunTests {
    @Test("equals a clean run, and computes nothing that was computed before", arguments: UInt64(1)...64)
    func editScripts(seed: UInt64) throws {
        try editScript(seed: seed) { _ in .threads }
    }

    @Test("is the same over a spool", arguments: UInt64(101)...112)
    func editScriptsOverSpool(seed: UInt64) throws {
        try editScript(seed: seed) { edited in
            .spool(try ThreadScheduler(edited.toys.steps.all), .tests(itemsPerTask: Int(seed % 4) + 1))
        }
    }

    private func editScript(seed: UInt64, place: (EditedCollection) throws -> ExecutionPlace) throws {
        let edited = try EditedCollection(seed: seed)
        var generator = RandomStream(state: seed &+ 1_000_000)
        for round in 0..<7 {
            for _ in 0..<Int.random(in: 2...4, using: &generator) { try edited.edit() }
            if round == 6 { try edited.mendAll() }
            try check(edited, jobs: Int.random(in: 1...4, using: &generator), place: place(edited))
        }
        let clean = try edited.cleanResults()
        let mine = try edited.toys.results().filter { edited.currentSet != nil || !$0.key.hasPrefix("segment") }
        #expect(Set(mine.keys) == Set(clean.keys))
        #expect(mine.filter { $0.value != "evicted" && clean[$0.key] != $0.value } == [:], "\(edited.story)")
        #expect(try edited.toys.breaches() == [])
    }

    private func check(_ edited: EditedCollection, jobs: Int, place: ExecutionPlace) throws {
        let expected = try edited.expectRun()
        let (report, ran) = try edited.toys.run(jobs: jobs, place: place)
        let keys = ran.map { expected.keys[$0] ?? "nothing known of \($0)" }
        #expect(keys.sorted() == expected.runs.sorted(), "\(edited.story) ran \(ran)")
        if let report {
            #expect(report.progress.finished == report.progress.total)
            #expect(report.progress.ran + report.progress.failed >= ran.count)
        }
        let isFailed = { (result: String) in
            // Without a current training set, what was trained before stands.
            if result.hasPrefix("train ") || result.hasPrefix("segment "), edited.hasTrainingFailed || edited.currentSet == nil {
                return true
            }
            return edited.failed.contains { result.split(separator: " ")[1] == $0 }
        }
        #expect(
            try edited.toys.results().filter { !isFailed($0.key) } == expected.results.filter { !isFailed($0.key) },
            "\(edited.story)")
        #expect(try edited.toys.plan().hasWork == !edited.failed.isEmpty)
    }
}
