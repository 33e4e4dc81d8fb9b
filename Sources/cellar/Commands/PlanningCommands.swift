import ArgumentParser
import CellarKit
import Cluster
import Foundation

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say what the catalog holds, what is stale, and who runs.")

    @OptionGroup var selectionOptions: SelectionOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let project = try catalogOptions.open()
        let summary = try project.catalog.summary()
        print(Terminal.output.bold(project.directory.path))
        print(
            "\(summary.tomograms) tomograms in \(summary.datasets) datasets, \(summary.slabs) slabs, \(summary.annotations) "
                + "annotations, \(summary.artifacts) artifacts (\(QuantityText.bytes(Double(summary.artifactBytes))))")
        if let set = summary.trainingSet { print("training set: \(set)") }
        if let run = summary.lastRun {
            print("last run: \(run.id ?? 0), \(run.status.rawValue), \(run.endedAt ?? run.startedAt) on \(run.host)")
        }
        if let owner = summary.lockOwner, RunLock.isHeld(in: project.catalog) {
            print("running now: \(owner.owner) on \(owner.host), process \(owner.pid)")
        }
        switch project.catalog.readOnlyReason {
        case .newerVersion: print("read-only: a newer version of Cellar wrote this catalog")
        case .folder: print("read-only: this user may not write the catalog's folder")
        case nil: break
        }
        JobPrinter(project).printTable()
        let plan = try project.plan(tomograms: selectionOptions.tomograms(of: project))
        print("")
        PlanPrinter(plan).printTable()
        PlanPrinter(plan).printRemarks()
    }
}

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Say what a run would do, how long it would take, and how much disk it would need.",
        discussion: """
            Writes nothing and opens no tomogram. `stale` items run; `waiting` items run if what comes before them turns out \
            different; `found again` items were computed earlier under these parameters. Times are of one worker.
            """)

    @OptionGroup var selectionOptions: SelectionOptions

    @Option(help: ArgumentHelp("Only this step and those it needs.", valueName: "step"))
    var until: String?

    @Option(
        help: """
            Where the run would be: slurm says how many jobs that takes, what they ask of the cluster, and how long they would take.
            """)
    var on = WorkPlace.threads

    @Option(help: ArgumentHelp("With --on slurm: a profile of clusters.yaml; its default one, if not given.", valueName: "name"))
    var profile: String?

    @Flag(help: "Exit with 3 where there is work to do.")
    var check = false

    @OptionGroup var formatOptions: FormatOptions
    @OptionGroup var catalogOptions: CatalogOptions

    func validate() throws {
        if profile != nil, on != .slurm { throw ValidationError("--profile is for --on slurm; leave it out, or give both.") }
    }

    func run() throws {
        let project = try catalogOptions.open()
        let plan = try project.plan(tomograms: selectionOptions.tomograms(of: project), until: until)
        if on == .slurm {
            ClusterPlanPrinter(ClusterPlan(plan, try WorkPlace.profile(profile, in: project))).printRows(formatOptions.format)
        } else if formatOptions.format == .table {
            PlanPrinter(plan).printTable()
            PlanPrinter(plan).printRemarks()
        } else {
            PlanPrinter(plan).printRows(formatOptions.format)
        }
        if check, plan.hasWork { throw ExitCode(3) }
    }
}

struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say why steps of a tomogram would run, or would not.",
        discussion: "Prints the first cause in full, with the old and the new value, and the chain below it.")

    @Argument(help: "A tomogram: its name, dataset/name, or id:N.")
    var tomogram: String

    @Argument(help: "Only this step and those it needs.")
    var step: String?

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let explanation = try catalogOptions.open().why(tomogram, step: step)
        if let cause = explanation.firstCause {
            print("\(explanation.tomogram): \(Terminal.output.bold(cause.reasons.first ?? "")) (\(cause.step))")
        } else {
            print("\(explanation.tomogram): everything is fresh")
        }
        let width = explanation.groups.map(\.step.count).max() ?? 0
        for group in explanation.groups {
            let name = group.step + String(repeating: " ", count: width - group.step.count)
            let items = group.items == [""] ? "" : " \(Explanation.summary(of: group.items))"
            let reasons = group.reasons.isEmpty ? "" : ": " + group.reasons.joined(separator: "; ")
            let word = group.state.rawValue
            let rest = group.places.count > 3 ? ["… \(group.places.count) jobs in all"] : []
            let places = group.places.isEmpty ? "" : " (\((group.places.prefix(3) + rest).joined(separator: "; ")))"
            print("  \(name)  \(word)\(items)\(reasons)\(places)")
        }
        if let remark = PlanPrinter.trainingRemark(explanation.stepsWithoutTrainingSet) { print(remark) }
    }
}

/// Prints a plan.
struct PlanPrinter {
    private let plan: Plan

    init(_ plan: Plan) { self.plan = plan }

    /// For people: counts that are zero are left blank.
    func printTable() {
        // Few ever see the column.
        let hasBlocked = plan.summaries.contains { $0.blocked > 0 }
        let blocked = hasBlocked ? ["blocked"] : []
        var printer = RowPrinter(
            .table,
            columns: ["step", "scope", "items", "fresh", "stale", "waiting", "found again", "restore"] + blocked
                + ["failed", "time", "disk"])
        func count(_ number: Int) -> QueryValue { number == 0 ? .null : .integer(Int64(number)) }
        for step in plan.summaries {
            let counts =
                [step.stale, step.waiting, step.foundAgain, step.restore] + (hasBlocked ? [step.blocked] : []) + [step.failed]
            printer.add(
                [.text(step.step), .text(step.scope.rawValue), .integer(Int64(step.total)), count(step.fresh + step.offline)]
                    + counts.map(count) + [
                        step.estimatedSeconds.map { .text(QuantityText.duration(seconds: $0)) } ?? .null,
                        step.estimatedBytes.flatMap { $0 > 0 ? .text(QuantityText.bytes($0)) : nil } ?? .null,
                    ])
        }
        printer.finish()
    }

    /// For programs: every number. The names of columns stay as they are, since programs rely on them: `known` counts what is found again.
    func printRows(_ format: OutputFormat) {
        var printer = RowPrinter(
            format,
            columns: [
                "step", "scope", "items", "fresh", "stale", "waiting", "known", "restore", "offline", "blocked", "failed",
                "estimated_seconds",
                "estimated_bytes",
            ])
        for step in plan.summaries {
            let counts = [
                step.total, step.fresh, step.stale, step.waiting, step.foundAgain, step.restore, step.offline, step.blocked,
                step.failed,
            ]
            printer.add(
                [.text(step.step), .text(step.scope.rawValue)] + counts.map { .integer(Int64($0)) }
                    + [step.estimatedSeconds.map { .real($0) } ?? .null, step.estimatedBytes.map { .real($0) } ?? .null])
        }
        printer.finish()
    }

    /// What a person should know beside the counts.
    func printRemarks() {
        let missing = plan.missingSources
        if let first = missing.first {
            print(
                missing.count == 1
                    ? "The file of \(first) is missing; what was computed from it stands."
                    : "The files of \(missing.count) tomograms are missing (\(first), …); what was computed from them stands.")
        }
        if let set = plan.heldTrainingSet {
            print(
                "Nothing is trained on \(set): not all of its tomograms are selected. What was trained on it before is used as it is."
            )
        }
        if let remark = Self.trainingRemark(plan.stepsWithoutTrainingSet) { print(remark) }
        if plan.tomogramCount == 0 { return print("There is no tomogram here; `cellar add PATH... --dataset NAME` adds some.") }
        if !plan.hasWork { return print("Everything is fresh.") }
        print("`cellar run` does this; `cellar why TOMOGRAM` says why.")
    }

    /// What a person should know where no training set is current; nil where no step needs one.
    static func trainingRemark(_ steps: [String]) -> String? {
        guard !steps.isEmpty else { return nil }
        return
            "There is no current training set, for which \(steps.joined(separator: ", ")) \(steps.count == 1 ? "waits" : "wait"); "
            + "`cellar training add NAME` makes one."
    }
}
