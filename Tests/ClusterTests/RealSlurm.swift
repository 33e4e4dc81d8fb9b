import Engine
import Foundation
import TestSupport
import Testing

@testable import Cluster

/// The Slurm that `Tests/Cluster/slurm.sh start` started, whose configuration `CELLAR_TEST_SLURM` names.
struct RealSlurm {
    static let configuration = ProcessInfo.processInfo.environment["CELLAR_TEST_SLURM"] ?? ""
    static let isThere = !configuration.isEmpty
    static let reason: Comment = "CELLAR_TEST_SLURM names no slurm.conf; `make check-cluster` starts a Slurm"

    let folder: TemporaryDirectory
    let commands: SlurmCommands

    init() throws {
        folder = try TemporaryDirectory()
        var environment = ProcessInfo.processInfo.environment
        environment["SLURM_CONF"] = Self.configuration
        commands = SlurmCommands(environment: environment)
    }

    /// A profile whose program is a script of the shell. `$2` is the folder of the bundle, `$3` the task.
    ///
    /// Its name has no blank: Slurm, which finds processes in /proc, loses a process of such a name and its memory.
    ///
    /// - Parameter name: that of the script. A job that is running may not have begun it yet, so that it is written once: the same script
    ///   is taken as it stands, and another needs another name.
    func profile(_ script: String, named name: String = "program's") throws -> ClusterProfile {
        let program = folder.file("a folder/\(name)")
        let lines = Data("#!/bin/bash\n\(script)\n".utf8)
        if let written = FileManager.default.contents(atPath: program) {
            try #require(written == lines, "another script has the name \(name)")
        } else {
            chmod(try folder.write("a folder/\(name)", lines), 0o755)
        }
        var profile = ClusterProfile(name: "main", spool: folder.path)
        profile.program = program
        profile.requeues = false
        profile.resources.memoryBytes = 0x1p27
        profile.resources.seconds = 600
        return profile
    }

    func scheduler(_ profile: ClusterProfile) -> SlurmScheduler {
        SlurmScheduler(profile, program: "/no/such/program", commands: commands) { _ in ["work"] }
    }

    func submission(_ tasks: Range<Int>) -> JobSubmission {
        let bundle = folder.file("bundle $HOME 'x'")
        try? FileManager.default.createDirectory(atPath: bundle, withIntermediateDirectories: true)
        return JobSubmission(
            bundle: bundle, tasks: tasks, name: "test-\(UUID().uuidString)", steps: [], threads: 1, attempt: 1,
            logs: folder.file("logs 100%"))
    }

    /// The lines of a file in the bundle; none where there is no such file.
    func lines(_ name: String) -> [String] {
        let text = try? String(contentsOfFile: folder.file("bundle $HOME 'x'/\(name)"), encoding: .utf8)
        return text?.split(separator: "\n").map(String.init) ?? []
    }

    /// Asks until an answer is as it should be.
    ///
    /// - Returns: the last answer.
    @discardableResult
    func wait(
        _ scheduler: SlurmScheduler, _ job: String, seconds: Double = 60, until isFine: ([Int: TaskState]) -> Bool
    ) throws -> [Int: TaskState] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let states = try scheduler.states(of: [job])[job] ?? [:]
            if isFine(states) { return states }
            guard ContinuousClock.now < deadline else {
                Issue.record("the states of \(job) after \(seconds) s are \(states)")
                return states
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    /// Runs `slurm.sh` on the folder of this Slurm.
    func node(_ action: String, _ node: String) throws {
        let folder = URL(fileURLWithPath: Self.configuration).deletingLastPathComponent().path
        let script = Repository.file("Tests/Cluster/slurm.sh")
        var program = SpawnedProgram(script, [action, folder, node].map { Array($0.utf8) }, in: "/")
        // A daemon that it starts keeps no pipe of this test.
        (program.output, program.errors) = (.file("/dev/null"), .file("/dev/null"))
        try #require(program.run().end == .exit(0))
    }
}
