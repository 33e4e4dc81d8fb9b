import ArgumentParser
import CellarKit
import Cluster
import Foundation

struct CancelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "End the jobs that compute for this catalog on a cluster, and no others.",
        discussion: """
            A run that was submitted as a job (`cellar run --on slurm --detach`) ends first. What jobs have computed stays in the spool, and the next \
            `cellar run --on slurm` takes it. A run that goes on in a terminal notes their items as failed.
            """)

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let directory = try catalogOptions.directory()
        let jobs = CatalogJobs(of: directory)
        if let detached = try DetachedRun.read(in: directory.path) {
            let own = try detached.jobs(by: jobs.scheduler, in: directory.path)
            try jobs.scheduler.cancel(own)
            DetachedRun.remove(in: directory.path)
            print("Ended the run that was submitted: \(own.isEmpty ? "no job is known" : own.joined(separator: ", "))")
        }
        let bundles = jobs.bundles
        // A job whose id was lost is still ours.
        let ids = try bundles.flatMap { bundle in
            try bundle.jobs + bundle.lost.compactMap { try jobs.scheduler.job(of: $0) }
        }
        // Of those that Slurm does not know any more nothing is said; they are cancelled all the same.
        let states = try jobs.scheduler.states(of: ids)
        try jobs.scheduler.cancel(ids)
        let ended = ids.filter { id in states[id]?.values.contains { $0.goesOn } == true }
        guard !ended.isEmpty else { return print("No job computes for this catalog.") }
        let left = bundles.flatMap(\.tasks).reduce(0) { $0 + $1.items - $1.ended }
        print(
            "Ended \(ended.count) \(ended.count == 1 ? "job" : "jobs") with \(left) items that have no result yet: "
                + ended.prefix(10).joined(separator: ", ") + (ended.count > 10 ? ", …" : ""))
    }
}

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Print what workers said: of items that failed, and of jobs that go on.",
        discussion: """
            Of an item that failed, the catalog keeps the end of what its worker printed (v_log). Jobs of a cluster print into the spool; --job \
            prints all that one of them printed, as long as it is there.
            """)

    @Argument(help: "Only of a tomogram: its name, dataset/name, or id:N.")
    var tomogram: String?

    @Argument(help: "Only of this step.")
    var step: String?

    @Option(
        help: ArgumentHelp(
            "Print the whole log of a task in the spool: its job and element, as `cellar status` says.", valueName: "id"))
    var job: String?

    @OptionGroup var catalogOptions: CatalogOptions

    /// The end of a log that is printed of jobs that go on.
    private static let byteCount = 2048

    func run() throws {
        let project = try catalogOptions.open()
        let jobs = CatalogJobs(of: project.directory)
        if let job { return try printAll(of: job, jobs) }
        let (failures, running) = (try printFailures(of: project), tomogram == nil && step == nil ? try printRunning(jobs) : 0)
        if failures + running == 0 { print("Nothing failed, and no job goes on.") }
    }

    private func printFailures(of project: Project) throws -> Int {
        var conditions = ["status = 'failed'"]
        var parameters: [String: QueryValue] = [:]
        if let tomogram {
            conditions.append("tomogram_id = :tomogram")
            parameters["tomogram"] = try project.catalog.collection.tomogram(named: tomogram).id.map { .integer($0) } ?? .null
        }
        if let step {
            conditions.append("step = :step")
            parameters["step"] = .text(step)
        }
        var count = 0
        try project.query(
            """
            SELECT step, ifnull(dataset || '/' || tomogram, training_set), z_first, z_end, host, job, error, text
            FROM v_failure LEFT JOIN v_log USING (trace_id) WHERE \(conditions.joined(separator: " AND "))
            ORDER BY trace_id DESC LIMIT 200
            """, parameters: parameters
        ) { row in
            count += 1
            let z = row[2] == .null ? "" : " z \(row[2].plainText)..<\(row[3].plainText)"
            let place = [row[4], row[5]].filter { $0 != .null }.map(\.plainText).joined(separator: ", job ")
            print(
                Terminal.output.bold("\(row[0].plainText) of \(row[1].plainText)\(z)")
                    + " failed\(place.isEmpty ? "" : " on \(place)")")
            print("  \(row[6].plainText)")
            Self.printIndented(row[7].plainText)
        }
        return count
    }

    private func printRunning(_ jobs: CatalogJobs) throws -> Int {
        var count = 0
        if let detached = try DetachedRun.read(in: jobs.directory.path),
            let path = detached.logs(by: jobs.scheduler, in: jobs.directory.path).last
        {
            print(Terminal.output.bold("the run that was submitted"))
            Self.printIndented(Self.end(of: path))
            count += 1
        }
        for (bundle, task) in jobs.tasks where task.ended < task.items {
            guard let job = task.job, let path = jobs.scheduler.logs(ofTask: task.number, job: job, in: bundle.logs).last else {
                continue
            }
            count += 1
            let name = jobs.scheduler.name(ofTask: task.number, job: job) ?? job
            print(Terminal.output.bold("\(task.step), job \(name)") + ": \(task.ended) of \(task.items) items")
            Self.printIndented(Self.end(of: path))
        }
        return count
    }

    private func printAll(of wanted: String, _ jobs: CatalogJobs) throws {
        var logs: [String] = []
        if let detached = try DetachedRun.read(in: jobs.directory.path), let job = detached.job,
            [job, jobs.scheduler.name(ofTask: 0, job: job)].contains(wanted)
        {
            logs = detached.logs(by: jobs.scheduler, in: jobs.directory.path)
        }
        for (bundle, task) in jobs.tasks {
            guard let job = task.job, jobs.scheduler.name(ofTask: task.number, job: job) == wanted else { continue }
            logs += jobs.scheduler.logs(ofTask: task.number, job: job, in: bundle.logs)
        }
        guard !logs.isEmpty else {
            throw CatalogError(.notFound, "no log of the job \(wanted) is in the spool; `cellar status` lists jobs")
        }
        for path in logs { print(try String(contentsOfFile: path, encoding: .utf8), terminator: "") }
    }

    private static func end(of path: String) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { return "" }
        defer { try? file.close() }
        let size = (try? file.seekToEnd()) ?? 0
        try? file.seek(toOffset: size - min(size, UInt64(byteCount)))
        return String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
    }

    private static func printIndented(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) { print("    \(line)") }
    }
}

/// The jobs of a cluster that compute for a catalog.
struct CatalogJobs {
    let directory: CatalogDirectory
    let bundles: [SpooledBundle]
    /// Jobs are asked for by their ids, for which no profile is needed.
    let scheduler = SlurmScheduler(ClusterProfile(name: "", spool: ""), program: "")

    init(of directory: CatalogDirectory) {
        self.directory = directory
        bundles = SpooledBundle.all(of: directory).filter { $0.scheduler == WorkPlace.slurm.rawValue }
    }

    var tasks: [(bundle: SpooledBundle, task: SpooledBundle.Task)] {
        bundles.flatMap { bundle in bundle.tasks.map { (bundle, $0) } }
    }
}

/// Prints jobs of a cluster; nothing where there are none.
struct JobPrinter {
    private static let rowLimit = 20

    private let jobs: CatalogJobs

    init(_ project: Project) { jobs = CatalogJobs(of: project.directory) }

    func printTable() {
        printDetached()
        let tasks = jobs.tasks.filter { $0.task.ended < $0.task.items }
        guard !tasks.isEmpty else { return }
        // Where the cluster cannot be asked, the files of workers still tell.
        let states = (try? jobs.scheduler.states(of: Set(tasks.compactMap(\.task.job)).sorted())) ?? [:]
        func state(of task: SpooledBundle.Task) -> TaskState? { task.job.flatMap { states[$0]?[task.number] } }
        var counts: [String: Int] = [:]
        for (_, task) in tasks { counts[Self.word(state(of: task)), default: 0] += 1 }
        let words = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        print("\njobs of Slurm: \(tasks.count) tasks, \(words)")
        var printer = RowPrinter(.table, columns: ["job", "run", "step", "items", "done", "state", "node", "at work on"])
        // Those that run first.
        let sorted = tasks.sorted { Self.rank(state(of: $0.task)) < Self.rank(state(of: $1.task)) }
        for (bundle, task) in sorted.prefix(Self.rowLimit) {
            let job = task.job.flatMap { jobs.scheduler.name(ofTask: task.number, job: $0) }
            let current = state(of: task)
            var node = task.host
            if case .running(let name?)? = current { node = name }
            let isRunning = Self.rank(current) == 0
            printer.add([
                .text(job ?? "id unknown"), .integer(bundle.runID), .text(task.step), .integer(Int64(task.items)),
                .integer(Int64(task.ended)), .text(Self.word(current)), node.map { .text($0) } ?? .null,
                isRunning ? task.note.map { .text($0) } ?? .null : .null,
            ])
        }
        printer.finish()
        if tasks.count > Self.rowLimit { print("… and \(tasks.count - Self.rowLimit) more") }
    }

    private func printDetached() {
        guard let run = try? DetachedRun.read(in: jobs.directory.path) else { return }
        let state = (try? run.state(by: jobs.scheduler, in: jobs.directory.path)) ?? nil
        let name = run.job.flatMap { jobs.scheduler.name(ofTask: 0, job: $0) } ?? "of unknown id"
        print("submitted run: job \(name) \(state?.words ?? "is not known to Slurm"), since \(run.submittedAt)")
    }

    private static func word(_ state: TaskState?) -> String {
        switch state {
        case .waiting: "waiting"
        case .running: "running"
        case .done, .failed: "ended"
        case nil: "unknown"
        }
    }

    private static func rank(_ state: TaskState?) -> Int {
        switch state {
        case .running: 0
        case .waiting: 1
        case .done, .failed: 2
        case nil: 3
        }
    }
}

/// Prints what a run would ask of a cluster.
struct ClusterPlanPrinter {
    private let plan: ClusterPlan

    init(_ plan: ClusterPlan) { self.plan = plan }

    func printRows(_ format: OutputFormat) {
        let isTable = format == .table
        var printer = RowPrinter(
            format,
            columns: isTable
                ? ["step", "scope", "items", "tasks", "time", "results", "asks for", "partition"]
                : [
                    "step", "scope", "items", "tasks", "estimated_seconds", "estimated_bytes", "asked_seconds",
                    "asked_memory_bytes",
                    "asked_cpus", "partition",
                ])
        for step in plan.steps {
            let start: [QueryValue] = [
                .text(step.step), .text(step.scope.rawValue), .integer(Int64(step.items)), .integer(Int64(step.tasks)),
            ]
            let partition: QueryValue = step.partition.map { .text($0) } ?? .null
            printer.add(start + (isTable ? texts(of: step) : numbers(of: step)) + [partition])
        }
        printer.finish()
        if isTable { printTotals() }
    }

    private func texts(of step: ClusterPlan.Step) -> [QueryValue] {
        let asked = [
            step.askedSeconds.map { QuantityText.duration(seconds: $0) }, step.askedMemoryBytes.map { QuantityText.bytes($0) },
            "\(step.cpus) \(step.cpus == 1 ? "processor" : "processors")",
        ]
        return [
            step.seconds.map { .text(QuantityText.duration(seconds: $0)) } ?? .null,
            step.bytes.map { .text(QuantityText.bytes($0)) } ?? .null,
            .text(step.tasks == 0 ? "none: the run computes it" : asked.compactMap { $0 }.joined(separator: ", ")),
        ]
    }

    private func numbers(of step: ClusterPlan.Step) -> [QueryValue] {
        let numbers = [step.seconds, step.bytes, step.askedSeconds, step.askedMemoryBytes]
        return numbers.map { number in number.map { .real($0) } ?? .null } + [.integer(Int64(step.cpus))]
    }

    private func printTotals() {
        guard !plan.steps.isEmpty else { return print("Everything is fresh.") }
        let tasks = plan.steps.reduce(0) { $0 + $1.tasks }
        let seconds = plan.steps.reduce(0) { $0 + ($1.seconds ?? 0) }
        let bytes = plan.steps.reduce(0) { $0 + ($1.bytes ?? 0) }
        let known =
            plan.unknown.count == plan.steps.count
            ? ""
            : ", \(QuantityText.duration(seconds: seconds)) of workers' time, \(QuantityText.bytes(bytes)) of results; at least "
                + "\(QuantityText.duration(seconds: plan.leastSeconds)) with \(plan.slots) tasks at a time"
        print("\(tasks) tasks in at least \(plan.jobs) jobs\(known)")
        if !plan.unknown.isEmpty {
            print("Nothing is known yet of the time of \(plan.unknown.joined(separator: ", ")).")
        }
    }
}
