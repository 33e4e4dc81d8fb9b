import CellarKit

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
