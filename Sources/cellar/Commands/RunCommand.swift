import ArgumentParser
import CellarKit
import Cluster
import Dispatch
import Foundation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Make fresh what is stale, and only that.",
        discussion: """
            May be interrupted at any moment, by Ctrl-C or a power cut: what was done stays, and the next run goes on from \
            there. Where items fail, the rest goes on, and the exit code is 1.
            """)

    @OptionGroup var selectionOptions: SelectionOptions

    @Option(help: ArgumentHelp("Only this step and those it needs.", valueName: "step"))
    var until: String?

    @Option(help: "How many items run at a time; as many as there are processors, if not given.")
    var jobs: WholeNumber<1, 1024>?

    @Option(
        help: """
            Where items are computed: by threads of this program, by worker processes, of which a crash ends one item, or by \
            jobs of Slurm.
            """)
    var on = WorkPlace.threads

    @Option(
        help: ArgumentHelp("How Slurm is used: a profile of clusters.yaml; its default one, if not given.", valueName: "name"))
    var profile: String?

    @Flag(help: "With --on slurm: submit the run itself as a job, so that it goes on when this terminal closes.")
    var detach = false

    @Flag(help: "Begin nothing new once an item has failed, and end the jobs of this run.")
    var failFast = false

    @Flag(help: "Keep no weights of diffusion models in memory: each layer is loaded when its turn comes.")
    var lowMemory = false

    @OptionGroup var progressOptions: ProgressOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        if profile != nil, on != .slurm { throw ValidationError("--profile is for --on slurm; leave it out, or give both.") }
        if detach, on != .slurm { throw ValidationError("--detach is for --on slurm; leave it out, or give both.") }
    }

    func run() throws {
        let project = try catalogOptions.open()
        if detach { return try submit(in: project) }
        if on != .slurm { noteJobs(of: project) }
        guard try execute(in: project) else { throw ExitCode(1) }
    }

    /// Submits this run as a job.
    private func submit(in project: Project) throws {
        // What would end it at once is said here.
        let tomograms = try selectionOptions.tomograms(of: project)
        guard try project.plan(tomograms: tomograms, until: until).hasWork else { return print("Everything is fresh.") }
        let directory = project.directory.path
        let profile = try WorkPlace.profile(profile, in: project)
        let scheduler = DetachedRun.scheduler(profile, program: try WorkPlace.program())
        let run = try DetachedRun.submit(arguments(in: directory), to: scheduler, in: directory)
        let name = run.job.flatMap { scheduler.name(ofTask: 0, job: $0) } ?? ""
        print(
            "Submitted as job \(name). `cellar status` says how it goes on, `cellar log` what it prints, `cellar cancel` ends it."
        )
    }

    /// This command line without --detach, from any working folder.
    private func arguments(in directory: String) -> [String] {
        var words = ["run", "--on", on.rawValue]
        let options = [
            ("profile", profile), ("where", selectionOptions.expression), ("until", until), ("jobs", jobs.map { "\($0.value)" }),
        ]
        for (name, value) in options { words += value.map { ["--\(name)=\($0)"] } ?? [] }
        if failFast { words.append("--fail-fast") }
        if lowMemory { words.append("--low-memory") }
        return words + ["--catalog=\(directory)"]
    }

    /// Says that jobs of a cluster compute for this catalog: this run does not take their results.
    private func noteJobs(of project: Project) {
        let tasks = CatalogJobs(of: project.directory).tasks.map(\.task).filter { $0.job != nil || $0.ended > 0 }
        let left = tasks.reduce(0) { $0 + $1.items - $1.ended }
        guard !tasks.isEmpty else { return }
        note(
            "jobs of Slurm have \(left) items to compute here, or results: `cellar run --on slurm` takes them, `cellar cancel` ends "
                + "the jobs")
    }

    /// - Returns: whether everything is fresh now.
    ///
    /// - Parameter isTold: called once at SIGUSR2, by which a cluster says that the time of this job is nearly over; the run then stops.
    func execute(in project: Project, whenTimeEnds isTold: (@Sendable () -> Void)? = nil) throws -> Bool {
        let jobs = jobs?.value ?? ProcessInfo.processInfo.activeProcessorCount
        let options = Runner.Options(
            jobs: jobs, failsFast: failFast, prefersLittleMemory: lowMemory,
            place: try on.place(jobs: jobs, profile: profile, in: project),
            command: CommandLine.arguments.dropFirst().joined(separator: " "), version: CellarCommand.version)
        let cancellation = Cancellation()
        let interruption = Interruption { [on] in
            note(
                on == .slurm
                    ? "\nstopping; jobs are left alone, and `cellar run --on slurm` takes their results"
                    : "\nstopping after what is under way; once more to stop at once")
            cancellation.cancel()
        }
        let warning = isTold.map { isTold in
            Interruption([SIGUSR2]) {
                isTold()
                cancellation.cancel()
            }
        }
        defer { withExtendedLifetime((interruption, warning)) {} }
        let line = progressOptions.line("run")
        let tomograms = try selectionOptions.tomograms(of: project)
        let report: RunReport?
        do {
            report = try project.run(
                tomograms: tomograms, until: until, options: options, cancellation: cancellation
            ) { progress in
                line.show(ProgressReport(progress))
                // A run of which nobody can hear any more stops as it does after Ctrl-C.
                if OutputStreams.standard.failure != nil { cancellation.cancel() }
            }
            line.clear()
        } catch {
            line.clear()
            throw error
        }
        if try project.catalog.collection.currentTrainingSet() == nil,
            let remark = PlanPrinter.trainingRemark(try project.steps(until: until).withoutTraining().omitted)
        {
            note(remark)
        }
        guard let report else {
            print("Everything is fresh.")
            return true
        }
        describe(report)
        for remark in try project.trainingRemarks() { note(remark) }
        return report.isComplete
    }

    private func describe(_ report: RunReport) {
        let progress = report.progress
        var parts = ["\(progress.ran) items ran"]
        if progress.foundAgain > 0 { parts.append("\(progress.foundAgain) found again") }
        if progress.failed > 0 { parts.append("\(progress.failed) failed") }
        if progress.skipped > 0 { parts.append("\(progress.skipped) skipped") }
        print(
            "run \(report.runID): \(parts.joined(separator: ", ")) in \(QuantityText.duration(seconds: progress.elapsedSeconds))")
        for failure in report.failures { note("cellar: \(failure)") }
        if progress.failed > report.failures.count { note("cellar: … and \(progress.failed - report.failures.count) more") }
        if progress.failed > 0 { note("`cellar query 'SELECT * FROM v_failure'` lists all") }
        if report.wasStopped { note("stopped before the end; `cellar run` goes on from here") }
    }
}

/// Where `--on` says that items are computed. A further kind of scheduler is a case here.
enum WorkPlace: String, CaseIterable, ExpressibleByArgument {
    case threads, processes, slurm

    /// - Parameters:
    ///   - jobs: how many items, or workers, run at a time on this machine.
    ///   - profile: the name of a profile for a cluster.
    func place(jobs: Int, profile: String?, in project: Project) throws -> ExecutionPlace {
        switch self {
        case .threads: return .threads
        case .processes:
            return .spool(
                try ProcessScheduler(jobs: jobs, command: [try Self.program(), "work", "--until-input-ends"]),
                .processes(jobs: jobs, processors: Threads.count))
        case .slurm:
            let profile = try Self.profile(profile, in: project)
            return .spool(SlurmScheduler(profile, program: try Self.program()), profile.spoolOptions)
        }
    }

    static func profile(_ name: String?, in project: Project) throws -> ClusterProfile {
        try ClusterFile(directory: project.directory.path).read(name, steps: StandardSteps.all.map(\.name))
    }

    /// The path of this program.
    static func program() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}

/// Calls a closure at the first SIGINT or SIGTERM; a second one ends the process, as it would without this.
final class Interruption {
    private let numbers: [Int32]
    private let sources: [any DispatchSourceSignal]

    /// - Parameter numbers: the signals.
    init(_ numbers: [Int32] = [SIGINT, SIGTERM], _ handler: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "interruption")
        self.numbers = numbers
        sources = numbers.map { number in
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler {
                for number in numbers { signal(number, SIG_DFL) }
                handler()
            }
            // The default action would end the process before the handler is called.
            signal(number, SIG_IGN)
            source.activate()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
        for number in numbers { signal(number, SIG_DFL) }
    }
}
