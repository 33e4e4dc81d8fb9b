import Basics
import BlobStore
import Catalog
import Engine
import Foundation
import TestSupport
import Testing
import ToySteps

@testable import Cluster

/// Runs on a real Slurm of which workers, coordinators, daemons, jobs, results and the spool itself are lost again and again.
@Suite("A killed run on a real Slurm", .serialized, .enabled(if: RealSlurm.isThere, RealSlurm.reason)) struct SlurmKillTests {
    /// `CELLAR_SLURM_KILLS=500` takes half an hour.
    private static let kills = ProcessInfo.processInfo.environment["CELLAR_SLURM_KILLS"].flatMap { Int($0) } ?? 30
    private static let seed = ProcessInfo.processInfo.environment["CELLAR_SLURM_SEED"].flatMap { UInt64($0) } ?? 1

    private static func fill(_ toys: ToyCollection) throws {
        for number in 0..<6 {
            let id = try toys.add("t\(number)", text: "text \(number)", voxelSize: 10)
            try toys.catalog.collection.addSlab(tomogramID: id, z: 0..<8)
            try toys.catalog.collection.addSlab(tomogramID: id, z: 6..<14)
        }
    }

    private static func coordinator(_ folder: String, spool: String, pause: Int, _ words: [String]) throws -> ChildProcess {
        try ChildProcess.crashRunner(
            [folder, "slurm", spool, "\(pause)"] + words, variables: ["SLURM_CONF": RealSlurm.configuration])
    }

    @Test("ends complete after being started again, and computes nothing twice but what was killed", .timeLimit(.minutes(60)))
    func kills() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let folder = slurm.folder.file("collection")
        try Self.fill(ToyCollection(folder: folder))
        let killer = try SlurmKiller(folder: folder, slurm: slurm, seed: Self.seed)
        let begin = ContinuousClock.now
        var (cycle, starts) = (0, 0)
        repeat {
            cycle += 1
            let settings = ["slice.note": "cycle \(cycle)", "slab.depth": "\(1 + cycle % 9)"]
            starts += try runUntilDone(folder, settings, killer, isCalm: killer.total >= Self.kills)
            let toys = try ToyCollection(folder: folder)
            toys.settings = settings
            #expect(try toys.breaches() == [])
            #expect(try !toys.plan().hasWork)
            let clean = try ToyCollection(folder: slurm.folder.file("clean \(cycle)"))
            try Self.fill(clean)
            clean.settings = settings
            try clean.run()
            #expect(try toys.results() == clean.results())
        } while killer.total < Self.kills
        try killer.mend(all: true)
        try checkTheEnd(folder, killer, slurm)
        let (losses, unexplained) = killer.record.losses(truncated: killer.truncated, orphans: killer.orphans)
        #expect(unexplained == [])
        let kinds = SlurmKiller.Kind.allCases.map { "\($0.rawValue) \(killer.counts[$0] ?? 0)" }.joined(separator: ", ")
        let lost = ComputationRecord.Loss.allCases.map { "\($0.rawValue) \(losses[$0] ?? 0)" }.joined(separator: ", ")
        let record = killer.record
        print(
            "slurm kills: \(killer.total) (\(kinds)) in \(cycle) cycles and \(starts) starts, \(begin.duration(to: .now)); "
                + "\(record.computations.count) items by \(record.processes.count) jobs, computed again: \(lost)")
        // Each kill of a process is the end of at most one item in progress.
        let mostLost = [.worker, .requeue, .scancel].reduce(0) { $0 + (killer.counts[$1] ?? 0) }
        #expect(losses[.killed] ?? 0 <= mostLost + killer.orphans.count)
    }

    /// - Returns: how often it was started.
    private func runUntilDone(_ folder: String, _ settings: [String: String], _ killer: SlurmKiller, isCalm: Bool) throws -> Int {
        for start in 1...100 {
            let child = try Self.coordinator(folder, spool: killer.spool, pause: 100, settings.map { "\($0)=\($1)" })
            while !child.hasEnded {
                if isCalm || killer.total >= Self.kills {
                    try killer.mend()
                    usleep(100_000)
                } else {
                    try killer.strike(child)
                }
            }
            let (end, output) = try child.wait()
            if end == .exit(0) { return start }
            // A job that was cancelled fails its items; a spool that is full ends the run with a sentence.
            let isExpected =
                end == .signal(SIGKILL) || end == .exit(3) && output.contains("its job was cancelled")
                || end == .exit(1) && output.contains("free some space")
            try #require(isExpected, "\(end): \(output)")
            #expect(try ToyCollection(folder: folder).breaches() == [])
        }
        Issue.record("no run came to its end")
        return 100
    }

    /// Waits for jobs that go on for nobody, and looks for what is left behind after one more run.
    private func checkTheEnd(_ folder: String, _ killer: SlurmKiller, _ slurm: RealSlurm) throws {
        for _ in 0..<600 where try Self.queued(slurm) != [] { usleep(200_000) }
        #expect(try Self.queued(slurm) == [])
        let (end, output) = try Self.coordinator(folder, spool: killer.spool, pause: 0, ["slice.note=last"]).wait()
        #expect(end == .exit(0), "\(output)")
        let left = try FileManager.default.contentsOfDirectory(atPath: killer.spool).filter { $0 != "ballast" }
        #expect(left == [])
        let toys = try ToyCollection(folder: folder)
        #expect(try toys.breaches() == [])
        #expect(try toys.store.inventory().strays == [])
    }

    /// The jobs of runs that have not ended.
    private static func queued(_ slurm: RealSlurm) throws -> [String] {
        try slurm.commands.run("squeue", ["--noheader", "--format=%i|%j"]).split(separator: "\n").map(\.trimmed).filter {
            $0.contains("|cellar-")
        }
    }

    @Test("ends its own jobs where an item fails under fail-fast, and no others", .timeLimit(.minutes(3)))
    func failFast() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let folder = slurm.folder.file("collection")
        let toys = try ToyCollection(folder: folder)
        try toys.add("bad", text: "broken")
        try Self.fill(toys)
        let other = slurm.scheduler(try slurm.profile("sleep 100"))
        let job = try other.submit(slurm.submission(0..<1))
        defer { try? other.cancel([job]) }
        try slurm.wait(other, job) { if case .running? = $0[0] { true } else { false } }
        // Each item takes seconds: when the first has failed, others have not ended.
        let (end, output) = try Self.coordinator(folder, spool: slurm.folder.file("spool"), pause: 2000, ["fail-fast"]).wait()
        #expect(end == .exit(3) && output.contains("the file is broken"), "\(output)")
        #expect(try Self.queued(slurm) == [])
        if case .running? = try other.states(of: [job])[job]?[0] {} else { Issue.record("the other job has ended") }
        #expect(try FileManager.default.contentsOfDirectory(atPath: slurm.folder.file("spool")) == [])
        let next = try Self.coordinator(folder, spool: slurm.folder.file("spool"), pause: 0, []).wait()
        #expect(next.end == .exit(3), "\(next.output)")
        #expect(try toys.plan().summaries.allSatisfy { $0.waiting + $0.stale <= 1 })
    }
}
