import Basics
import Engine
import Foundation
import TestSupport
import Testing

@testable import Cluster

/// Slurm's programs replaced by scripts, for answers that a real Slurm gives seldom.
@Suite("A Slurm that fails") struct SchedulerFailureTests {
    private struct Clients {
        let folder: TemporaryDirectory

        /// - Parameter scripts: by the name of a program; each notes that it was called.
        init(_ scripts: [String: String]) throws {
            folder = try TemporaryDirectory()
            for (name, script) in scripts {
                let text = "#!/bin/bash\necho \"$*\" >>'\(folder.path)/calls-\(name)'\n\(script)\n"
                chmod(try folder.write("bin/\(name)", Array(text.utf8)), 0o755)
            }
        }

        /// - Parameter path: folders of other programs.
        func scheduler(_ path: String = ":/usr/bin:/bin", _ change: (inout ClusterProfile) -> Void = { _ in }) -> SlurmScheduler {
            var profile = ClusterProfile(name: "p", spool: folder.path)
            change(&profile)
            let commands = SlurmCommands(environment: ["PATH": folder.file("bin") + path], timeLimitInSeconds: 2)
            return SlurmScheduler(profile, program: "/cellar", commands: commands)
        }

        /// The arguments of each call of a program.
        func lines(_ name: String) -> [Substring] {
            ((try? String(contentsOfFile: folder.file("calls-\(name)"), encoding: .utf8)) ?? "").split(separator: "\n")
        }

        func calls(_ name: String) -> Int { lines(name).count }

        func submission(_ tasks: Range<Int>) -> JobSubmission {
            JobSubmission(
                bundle: folder.path, tasks: tasks, name: "run", steps: [], threads: 1, attempt: 1, logs: folder.file("logs"))
        }
    }

    private static let configuration = "echo 'MaxArraySize = 11'"

    @Test("a run that was submitted is not submitted twice, is found where its id was lost, and ends on request")
    func detached() throws {
        let sbatch = """
            for word in "$@"; do case $word in --comment=*) echo "88|${word#--comment=}" >"$(dirname "$0")/queue";; esac; done
            echo 88
            """
        let squeue = #"""
            case "$*" in *--name*) cat "$(dirname "$0")/queue";; *) echo "88_0|PENDING||None" ;; esac
            """#
        let clients = try Clients([
            "scontrol": Self.configuration, "sbatch": sbatch, "squeue": squeue, "sacct": "exit 1", "scancel": "true",
        ])
        let scheduler = clients.scheduler()
        let directory = clients.folder.file("catalog")
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let run = try DetachedRun.submit(["run", "--on", "slurm"], to: scheduler, in: directory)
        #expect(run.job == "88" && run.arguments == ["run", "--on", "slurm"])
        #expect(try DetachedRun.read(in: directory) == run)
        #expect { try DetachedRun.submit(["run"], to: scheduler, in: directory) } throws: {
            ($0 as? ClusterError)?.code == .detached && "\($0)".contains("job 88")
        }
        #expect(clients.calls("sbatch") == 1)
        // As a coordinator leaves it that ends before it has noted the id.
        var lost = run
        lost.job = nil
        try lost.write(in: directory)
        #expect(try lost.jobs(by: scheduler, in: directory) == ["88"])
        DetachedRun.remove(in: directory)
        #expect(try DetachedRun.read(in: directory) == nil)
        try "{".write(toFile: "\(directory)/coordinator", atomically: true, encoding: .utf8)
        #expect(throws: ClusterError.self) { try DetachedRun.read(in: directory) }
    }

    @Test("without Slurm, it is one sentence")
    func missing() throws {
        let clients = try Clients([:])
        let scheduler = clients.scheduler("")
        for call in [{ _ = try scheduler.submit(clients.submission(0..<1)) }, { _ = try scheduler.states(of: ["1"]) }] {
            #expect { try call() } throws: { error in
                (error as? ClusterError)?.code == .noProgram && "\(error)".contains("login node")
            }
        }
    }

    @Test("an answer that was lost after the job was taken makes no second job")
    func lostAnswer() throws {
        // The job has the comment that sbatch was given.
        let sbatch = """
            for word in "$@"; do case $word in --comment=*) echo "77|${word#--comment=}" >>"$(dirname "$0")/queue";; esac; done
            echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2; exit 1
            """
        let clients = try Clients([
            "scontrol": Self.configuration, "sbatch": sbatch, "squeue": #"echo "12|other"; cat "$(dirname "$0")/queue""#,
        ])
        #expect(try clients.scheduler().submit(clients.submission(0..<5)) == "77")
        #expect(clients.calls("sbatch") == 1)
        // Where it was not taken, the error stays.
        let others = try Clients(["scontrol": Self.configuration, "sbatch": "sleep 10", "squeue": "true"])
        #expect { try others.scheduler().submit(others.submission(0..<5)) } throws: {
            ($0 as? ClusterError)?.code == .unavailable
        }
    }

    @Test("of a submission that Slurm takes only in part, nothing stays")
    func parts() throws {
        let sbatch = """
            if [ "$(wc -l <"$(dirname "$0")/../calls-sbatch")" -ge 3 ]; then
                echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2
                echo "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)" >&2; exit 1
            fi
            echo $((100 + $(wc -l <"$(dirname "$0")/../calls-sbatch")))
            """
        let clients = try Clients(["scontrol": Self.configuration, "sbatch": sbatch, "scancel": "true"])
        #expect { try clients.scheduler().submit(clients.submission(0..<100)) } throws: {
            ($0 as? ClusterError)?.code == .queueFull
        }
        let cancelled = try String(contentsOfFile: clients.folder.file("calls-scancel"), encoding: .utf8)
        #expect(cancelled == "--quiet 101 102\n")
    }

    @Test("what a task ran short of is doubled when it is submitted again, and nothing else")
    func shortages() throws {
        // Each submission is a job of its own; what comes of it, the test tells sacct.
        let sbatch = #"echo $((100 + $(wc -l <"$(dirname "$0")/../calls-sbatch")))"#
        let clients = try Clients([
            "scontrol": Self.configuration, "sbatch": sbatch, "sacct": #"cat "$(dirname "$0")/accounts""#, "squeue": "true",
        ])
        let scheduler = clients.scheduler { profile in
            (profile.resources.memoryBytes, profile.resources.seconds) = (0x1p30, 3600)
        }
        let ends = [
            "OUT_OF_MEMORY|n1|0:125", "PREEMPTED|n1|0:0", "FAILED|n1|75:0", "NODE_FAIL|n1|0:0", "TIMEOUT|n1|0:0", "FAILED|n1|9:0",
            "FAILED|n1|0:11",
        ]
        let requests = [(1, 1), (2, 1), (2, 1), (2, 2), (2, 2), (2, 4), (2, 4)]
        let reasons: [TaskState.FailureReason] = [.outOfMemory, .preempted, .preempted, .nodeFailure, .timeLimit, .exit, .exit]
        let words = [
            nil, nil, nil, nil, nil, "ended with the exit code 9 on n1", "was ended by signal 11 (Segmentation fault) on n1",
        ]
        for attempt in ends.indices {
            let job = try scheduler.submit(clients.submission(7..<8))
            #expect(job == "\(101 + attempt)")
            let call = Set(try #require(clients.lines("sbatch").last).split(separator: " ").map(String.init))
            let (memory, hours) = requests[attempt]
            #expect(Set(["--mem=\(memory * 1024)M", "--time=0\(hours):00:00"]).isSubset(of: call), "\(attempt): \(call)")
            try clients.folder.write("bin/accounts", Array("\(job)_7|\(ends[attempt])\n".utf8))
            let expected = [job: [7: TaskState.failed(reason: reasons[attempt], node: "n1")]]
            #expect(try scheduler.states(of: [job]) == expected)
            #expect(scheduler.end(ofTask: 7, job: job) == words[attempt])
        }
        // Another task of the bundle did not end so.
        _ = try scheduler.submit(clients.submission(8..<9))
        #expect(clients.lines("sbatch").last?.hasSuffix("--mem=1024M") == true)
    }

    @Test(
        "the accounting counts, what it does not know the controller says, and where it fails it is left alone for some minutes")
    func sources() throws {
        let clients = try Clients([
            "scontrol": Self.configuration,
            "sacct": #"echo "5_0|COMPLETED|n1|0:0"; echo "5_1|OUT_OF_MEMORY|n1|0:125""#,
            "squeue": #"case "$*" in *=6*) echo "6_[0-1]|PENDING||Priority";; *) exit 9;; esac"#,
        ])
        let states = try clients.scheduler().states(of: ["5", "6+10"])
        #expect(
            states == ["5": [0: .done, 1: .failed(reason: .outOfMemory, node: "n1")], "6+10": [10: .waiting, 11: .waiting]])

        let off = try Clients([
            "sacct": "echo 'Slurm accounting storage is disabled' >&2; exit 1", "squeue": #"echo "5_0|RUNNING|n1|None""#,
        ])
        let scheduler = off.scheduler()
        #expect(try scheduler.states(of: ["5"]) == ["5": [0: .running(node: "n1")]])
        #expect(try scheduler.states(of: ["5", "6"]) == ["5": [0: .running(node: "n1")]])
        #expect(off.calls("sacct") == 1 && off.calls("squeue") == 2)
        // Between two questions the last answer stands.
        for _ in 0..<20 { _ = try scheduler.states(of: ["5", "6"]) }
        #expect(off.calls("squeue") == 2)

        // Both away: no state, and no failure of a task.
        let away = try Clients([
            "sacct": "exit 1", "squeue": "echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1",
        ])
        #expect { try away.scheduler().states(of: ["5"]) } throws: { ($0 as? ClusterError)?.code == .unavailable }
    }

    @Test("a task that is cancelled while it waits leaves no trace where others go on, and is known to be cancelled")
    func vanished() throws {
        let clients = try Clients([
            "scontrol": Self.configuration, "sbatch": "echo 6", "sacct": "exit 1", "squeue": #"cat "$(dirname "$0")/queue""#,
        ])
        let scheduler = clients.scheduler()
        let job = try scheduler.submit(clients.submission(0..<5))
        func states(_ queue: String) throws -> [Int: TaskState] {
            try clients.folder.write("bin/queue", Array(queue.utf8))
            return try scheduler.states(of: [job])[job] ?? [:]
        }
        let cancelled = TaskState.failed(reason: .cancelled, node: nil)
        #expect(
            try states("6_[1,3-4]|PENDING||Priority\n6_0|RUNNING|n1|None\n")
                == [0: .running(node: "n1"), 1: .waiting, 2: cancelled, 3: .waiting, 4: .waiting])
        // A line that is cut off says nothing of what is missing; an end stands; a task that ran is forgotten for another reason.
        Thread.sleep(forTimeInterval: 2.1)
        #expect(try states("6_[1,3...|PENDING||Priority\n") == [1: .waiting, 2: cancelled])
        Thread.sleep(forTimeInterval: 2.1)
        #expect(try states("") == [2: cancelled])
        // The whole array, before any of it began.
        Thread.sleep(forTimeInterval: 3.1)
        #expect(try states("6|CANCELLED||Priority\n") == [0: cancelled, 1: cancelled, 2: cancelled, 3: cancelled, 4: cancelled])
    }
}
