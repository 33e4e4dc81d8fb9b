import ArgumentParser
import CellarKit
import Foundation

struct WorkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work", abstract: "Compute a task of a bundle that `cellar run` wrote.",
        discussion: """
            `cellar run --on processes` and clusters start this; it opens no catalog. Asked to stop by SIGTERM or SIGUSR2, it \
            saves what it has and ends with the exit code \(ProcessScheduler.againCode): started again, it goes on from there. \
            So it does after a kill.
            """)

    @Argument(help: ArgumentHelp("The folder of the bundle.", valueName: "bundle"))
    var bundle: String

    @Argument(
        help: ArgumentHelp(
            "The number of the task, from 0; that of the Slurm array (SLURM_ARRAY_TASK_ID), if not given.", valueName: "task"))
    var task: WholeNumber<0, 1_000_000_000>?

    @Option(help: "How many threads a step uses; as many as there are processors, if not given.")
    var threads: WholeNumber<1, 1024>?

    @Flag(help: "End at the end of the standard input, which comes when the program that started this one ends.")
    var untilInputEnds = false

    func run() throws {
        let slurm = ProcessInfo.processInfo.environment["SLURM_ARRAY_TASK_ID"].flatMap { Int($0) }
        guard let number = task?.value ?? slurm, number >= 0 else {
            throw ValidationError("Name the task of the bundle: `cellar work BUNDLE 0`.")
        }
        if let threads { Threads.count = threads.value }
        let cancellation = Cancellation()
        let interruption = Interruption([SIGINT, SIGTERM, SIGUSR2]) { cancellation.cancel() }
        defer { withExtendedLifetime(interruption) {} }
        if untilInputEnds { endWithInput() }
        let folder = URL(fileURLWithPath: bundle).standardizedFileURL.path
        let worker = Worker(graph: try StepGraph(StandardSteps.all), version: CellarCommand.version) { note($0) }
        switch try worker.work(bundle: folder, task: number, cancellation: cancellation) {
        case .finished: break
        case .stopped: throw ExitCode(ProcessScheduler.againCode)
        }
    }

    /// Ends the process, as a kill would, at the end of the standard input: nobody waits for its results any more.
    private func endWithInput() {
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { _exit(ProcessScheduler.againCode) }
            }
        }
    }
}
