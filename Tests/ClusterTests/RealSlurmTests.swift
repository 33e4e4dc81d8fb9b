import Basics
import Engine
import Foundation
import TestSupport
import Testing

@testable import Cluster

@Suite("A real Slurm", .serialized, .enabled(if: RealSlurm.isThere, RealSlurm.reason)) struct RealSlurmTests {
    @Test("computes each task of a submission once, in several arrays where one would be too large", .timeLimit(.minutes(5)))
    func arrays() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        var profile = try slurm.profile(#"echo "$1 $3 $OPENBLAS_NUM_THREADS" >>"$2/done-$3"; test "$3" != 33 || exit 5"#)
        (profile.arrayLimit, profile.atOnce) = (25, 3)
        let scheduler = slurm.scheduler(profile)
        let job = try scheduler.submit(slurm.submission(3..<63))
        #expect(SlurmJob.all(in: job).map(\.offset) == [3, 28, 53])
        let states = try slurm.wait(scheduler, job, seconds: 240) { $0.count == 60 && $0.values.allSatisfy(\.isEnd) }
        #expect(Set(states.keys) == Set(3..<63))
        for task in 3..<63 {
            #expect(slurm.lines("done-\(task)") == ["work \(task) 1"], "task \(task)")
            if case .failed(.exit, let node?) = states[task] {
                #expect(task == 33 && node.hasPrefix("node"))
            } else {
                #expect(states[task] == .done && task != 33, "task \(task)")
            }
        }
        let logs = try FileManager.default.contentsOfDirectory(atPath: slurm.folder.file("logs 100%"))
        #expect(logs.count == 60)
    }

    @Test("says how a program ended, and that one which saved what it has is to be started again", .timeLimit(.minutes(2)))
    func ends() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let script = #"case $3 in 0) exit 75;; 1) exit 5;; 2) kill -SEGV $$;; 3) kill -KILL $$;; 4) exit 0;; esac"#
        let scheduler = slurm.scheduler(try slurm.profile(script))
        let job = try scheduler.submit(slurm.submission(0..<5))
        let states = try slurm.wait(scheduler, job) { $0.count == 5 && $0.values.allSatisfy(\.isEnd) }
        if case .failed(.preempted, _?)? = states[0] {} else { Issue.record("\(states)") }
        for task in 1...3 { if case .failed(.exit, _?)? = states[task] {} else { Issue.record("\(states)") } }
        #expect(states[4] == .done)
        let words = (0..<5).map { scheduler.end(ofTask: $0, job: job) ?? "" }
        #expect(words[0] == "" && words[4] == "")
        #expect(words[1].hasPrefix("ended with the exit code 5 on node"), "\(words)")
        #expect(words[2].hasPrefix("was ended by signal 11 (Segmentation fault) on node"), "\(words)")
        #expect(words[3].hasPrefix("was ended by signal 9 (Killed) on node"), "\(words)")
    }

    @Test(
        "refuses a partition that does not exist in one sentence, knows nothing of jobs that never were, and takes a size that is too large as one"
    )
    func refusals() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        var profile = try slurm.profile("true")
        let scheduler = slurm.scheduler(profile)
        #expect(try scheduler.states(of: ["99999999", "nonsense"]).isEmpty)
        #expect(throws: Never.self) { try scheduler.cancel(["99999999"]) }
        profile.resources.partition = "nope"
        #expect { try slurm.scheduler(profile).submit(slurm.submission(0..<1)) } throws: { error in
            guard let error = error as? ClusterError else { return false }
            return error.code == .refused && error.message.contains("partition") && !error.message.contains("\n")
        }
        profile.resources.partition = nil
        profile.resources.memoryBytes = 0x1p50
        #expect { try slurm.scheduler(profile).submit(slurm.submission(0..<1)) } throws: {
            ($0 as? ClusterError)?.code == .refused
        }
    }

    @Test("finds a job whose id was lost, and only that one")
    func lostIDs() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let profile = try slurm.profile("sleep 60")
        let scheduler = slurm.scheduler(profile)
        let first = slurm.submission(0..<60)
        let job = try scheduler.submit(first)
        defer { try? scheduler.cancel([job]) }
        let another = slurm.scheduler(profile)
        #expect(try another.job(of: first) == job)
        var second = first
        second.tasks = 0..<59
        #expect(try another.job(of: second) == nil)
        second = first
        second.attempt = 2
        #expect(try another.job(of: second) == nil)
        // A new scheduler, as after a restart of the coordinator, sees the tasks.
        try slurm.wait(another, job) { $0.count == 60 }
        try scheduler.cancel([job])
        try slurm.wait(another, job) { $0.values.allSatisfy { if case .failed(.cancelled, _) = $0 { true } else { false } } }
        #expect(try another.job(of: first) == nil)
    }

    @Test("says out of memory", .timeLimit(.minutes(2)))
    func memory() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let profile = try slurm.profile("perl -e '$x = \"x\" x 500000000; sleep 30'")
        let scheduler = slurm.scheduler(profile)
        let job = try scheduler.submit(slurm.submission(0..<1))
        let states = try slurm.wait(scheduler, job) { $0[0]?.isEnd == true }
        guard case .failed(.outOfMemory, _?)? = states[0] else {
            Issue.record("\(states)")
            return
        }
        // It stays so at later questions.
        #expect(try scheduler.states(of: [job])[job] == states)
    }

    @Test("tells a job before its time ends (SIGUSR2), and says that it ended for this reason", .timeLimit(.minutes(4)))
    func timeLimit() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        // Perl as the program itself: a shell cannot catch a signal that was ignored when it began.
        let script =
            #"exec perl -e '$SIG{USR2} = sub { open F, ">>", "$ARGV[0]/told"; print F "told\n"; close F }; while (1) { sleep 1 }' "$2""#
        var profile = try slurm.profile(script)
        profile.resources.seconds = 60
        let scheduler = slurm.scheduler(profile)
        let job = try scheduler.submit(slurm.submission(4..<5))
        let states = try slurm.wait(scheduler, job, seconds: 200) { $0[4]?.isEnd == true }
        guard case .failed(.timeLimit, _?)? = states[4] else {
            Issue.record("\(states)")
            return
        }
        #expect(slurm.lines("told") == ["told"])
    }

    @Test("begins a task again where the profile lets it, as the same element", .timeLimit(.minutes(5)))
    func requeue() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let script = #"echo begun >>"$2/begun"; [ "$(wc -l <"$2/begun")" -ge 2 ] || sleep 120"#
        for requeues in [true, false] {
            try? FileManager.default.removeItem(atPath: slurm.folder.file("bundle $HOME 'x'/begun"))
            var profile = try slurm.profile(script)
            profile.requeues = requeues
            let scheduler = slurm.scheduler(profile)
            let job = try scheduler.submit(slurm.submission(2..<3))
            try slurm.wait(scheduler, job) { states in
                if case .running(_?)? = states[2] { !slurm.lines("begun").isEmpty } else { false }
            }
            if requeues {
                _ = try slurm.commands.run("scontrol", ["requeue", "\(job)_2"])
                try slurm.wait(scheduler, job, seconds: 210) { $0[2] == .done }
                #expect(slurm.lines("begun").count == 2)
            } else {
                #expect(throws: ClusterError.self) { try slurm.commands.run("scontrol", ["requeue", "\(job)_2"]) }
                try scheduler.cancel([job])
                let states = try slurm.wait(scheduler, job) { $0[2]?.isEnd == true }
                guard case .failed(.cancelled, _)? = states[2] else {
                    Issue.record("\(states)")
                    return
                }
            }
        }
    }

    @Test("says that a task was pushed aside by one of higher priority", .timeLimit(.minutes(3)))
    func preemption() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        let low = slurm.scheduler(try slurm.profile("sleep 100"))
        let nodes = try slurm.commands.run("sinfo", ["--noheader", "--Node", "--partition=main", "--format=%N"]).split(
            separator: "\n")
        let job = try low.submit(slurm.submission(0..<nodes.count))
        defer { try? low.cancel([job]) }
        try slurm.wait(low, job) { states in
            states.values.count { if case .running = $0 { true } else { false } } == nodes.count
        }
        var profile = try slurm.profile("true", named: "urgent")
        profile.resources.partition = "urgent"
        let high = slurm.scheduler(profile)
        let urgent = try high.submit(slurm.submission(0..<1))
        try slurm.wait(high, urgent) { $0[0] == .done }
        let states = try slurm.wait(low, job, seconds: 90) { $0.values.contains(where: \.isEnd) }
        let preempted = states.values.filter { if case .failed(.preempted, _?) = $0 { true } else { false } }
        #expect(preempted.count == 1, "\(states)")
    }

    @Test("says that a node was lost, and takes the task elsewhere where the profile lets it", .timeLimit(.minutes(5)))
    func lostNodes() throws {
        let slurm = try RealSlurm()
        defer { withExtendedLifetime(slurm) {} }
        for requeues in [false, true] {
            try? FileManager.default.removeItem(atPath: slurm.folder.file("bundle $HOME 'x'/nodes"))
            var profile = try slurm.profile(
                #"echo "$SLURMD_NODENAME" >>"$2/nodes"; [ "$(wc -l <"$2/nodes")" -ge 2 ] || sleep 45"#)
            profile.requeues = requeues
            let scheduler = slurm.scheduler(profile)
            let job = try scheduler.submit(slurm.submission(0..<1))
            try slurm.wait(scheduler, job) { _ in !slurm.lines("nodes").isEmpty }
            let node = try #require(slurm.lines("nodes").first)
            try slurm.node("kill", node)
            let states = try slurm.wait(scheduler, job, seconds: 240) { $0[0]?.isEnd == true }
            if requeues {
                #expect(states[0] == .done)
                #expect(slurm.lines("nodes").count == 2 && slurm.lines("nodes").last != node)
            } else {
                #expect(states[0] == .failed(reason: .nodeFailure, node: node))
            }
            try slurm.node("revive", node)
            try waitForNodes(slurm)
        }
    }

    /// Until all nodes take jobs again, for the tests that follow.
    private func waitForNodes(_ slurm: RealSlurm) throws {
        for _ in 0..<600 {
            let states = try slurm.commands.run("sinfo", ["--noheader", "--Node", "--partition=main", "--format=%T"])
            if states.split(separator: "\n").allSatisfy({ $0 == "idle" }) { return }
            Thread.sleep(forTimeInterval: 0.2)
        }
        Issue.record("the nodes did not come back")
    }
}
