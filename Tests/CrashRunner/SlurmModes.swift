import Basics
import Cluster
import Engine
import Foundation
import Glibc
import ToySteps

/// Jobs of the Slurm that SLURM_CONF names, which are looked after every second.
func slurm(_ folder: String, spool: String, pause: String) throws -> ExecutionPlace {
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var profile = ClusterProfile(name: "main", spool: spool)
    profile.resources.memoryBytes = 0x1p27
    profile.resources.seconds = 600
    var options = SpoolOptions.cluster(folder: spool, taskLimit: 12)
    (options.slots, options.itemsPerTask) = (3, 10)
    (options.localSeconds, options.leastTaskSeconds, options.assumedSeconds) = (0, 0.3, 0.1)
    (options.gatherSeconds, options.resultPause, options.statePause, options.graceSeconds) = (0.2, 1, 0.5, 0.5)
    // The jobs that these tests kill are no fault of items.
    (options.crashLimit, options.restartLimit) = (1000, 1000)
    return .spool(SlurmScheduler(profile, program: program) { _ in [folder, "job", pause] }, options)
}

/// Computes a task as a job, and notes all that those need to know who kill it.
///
/// - Returns: the exit code.
func computeJob(_ folder: String, pause: Int, bundle: String, task: String) -> Int32 {
    let note = ComputationNotes(folder)
    let cancellation = Cancellation()
    for number in [SIGTERM, SIGUSR2] { signal(number, SIG_IGN) }
    let sources = [SIGTERM, SIGUSR2].map { DispatchSource.makeSignalSource(signal: $0, queue: .global()) }
    for source in sources {
        source.setEventHandler { cancellation.cancel() }
        source.resume()
    }
    let log = RunLog { item in
        note("item \(item.key.hexadecimal)")
        usleep(UInt32(pause) * 1000)
    }
    do {
        let worker = Worker(graph: try StepGraph(ToySteps(log: log).all), version: "0")
        let end = try worker.work(bundle: bundle, task: Int(task) ?? 0, cancellation: cancellation)
        note("end \(end)")
        return end == .finished ? 0 : 75
    } catch {
        note("end \(error)")
        say("\(error)")
        return 1
    }
}

/// Lines `PROCESS begin ID JOB TASK NODE`, `PROCESS item KEY` and `PROCESS end WORDS` in a file, each written at once.
private struct ComputationNotes: Sendable {
    private let file: Int32
    private let process = String(UInt64.random(in: .min ... .max), radix: 36)

    init(_ folder: String) {
        file = open("\(folder)/computed", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        let variables = ProcessInfo.processInfo.environment
        let job = ["SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURMD_NODENAME"].map { variables[$0] ?? "?" }
        self("begin \(getpid()) \(job.joined(separator: " "))")
    }

    func callAsFunction(_ words: String) {
        let line = Array("\(process) \(words.replacing("\n", with: " "))\n".utf8)
        _ = write(file, line, line.count)
    }
}
