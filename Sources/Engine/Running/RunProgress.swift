import Catalog
import CatalogSchema

/// How far a run is.
public struct RunProgress: Sendable, Hashable {
    /// Items that are stale, waiting, or found again when the run begins.
    public var total = 0
    /// Items that ran.
    public var ran = 0
    /// Items that did not run because an earlier result has today's key: known at once, or once the items before them were done.
    public var foundAgain = 0
    public var failed = 0
    public var skipped = 0
    /// The sum of the fractions that items at work report: 0.5 where one is half done.
    public var begun = 0.0
    /// Seconds since the run began.
    public var elapsedSeconds = 0.0
    /// Seconds that are left, estimated from the times of each step's items in this run and earlier ones, and from the reports of
    /// items at work; nil before any is known.
    public var remainingSeconds: Double?
    /// The step of the item that was published or reported progress last.
    public var step = ""
    /// What that item reported: `epoch 12 of 60`; empty where it reported nothing.
    public var note = ""

    public var finished: Int { ran + foundAgain + failed + skipped }

    /// How much is done, from 0 to 1.
    public var fraction: Double { total == 0 ? 1 : min(1, (Double(finished) + begun) / Double(total)) }
}

/// How a run ended.
public struct RunReport: Sendable, Hashable {
    public var runID: Int64
    public var progress: RunProgress
    /// Whether it stopped before all was done: because it was cancelled, or because an item failed with `--fail-fast`.
    public var wasStopped: Bool
    /// The first few failures, one sentence each.
    public var failures: [String]

    /// Whether everything is fresh now.
    public var isComplete: Bool { !wasStopped && progress.failed == 0 && progress.skipped == 0 }
}

/// Counts what a run does, and estimates what is left of it.
struct RunMeter: Sendable {
    private static let intervalInSeconds = 0.2
    private static let failureLimit = 20

    private(set) var progress: RunProgress
    private(set) var failures: [String] = []
    private let jobs: Int
    private let begin = ContinuousClock.now
    private var lastUpdate = ContinuousClock.now
    /// Seconds and items of each step, as earlier runs (as one item) and this one measured them.
    private var costs: [String: (seconds: Double, items: Double)] = [:]
    private let steps: [String]

    /// - Parameters:
    ///   - unfinished: items that have to be worked on.
    ///   - foundAgain: items of which an earlier result has today's key.
    ///   - blocked: items that cannot be worked on, and why.
    init(unfinished: Int, foundAgain: Int, blocked: (count: Int, reason: String), jobs: Int, summaries: [Plan.StepSummary]) {
        progress = RunProgress(
            total: unfinished + foundAgain + blocked.count, foundAgain: foundAgain, skipped: blocked.count)
        if blocked.count > 0 { failures = ["\(blocked.count) items cannot run: \(blocked.reason)"] }
        self.jobs = jobs
        steps = summaries.map(\.step)
        for summary in summaries {
            let items = Double(summary.stale + summary.waiting + summary.restore)
            if let seconds = summary.estimatedSeconds, items > 0 { costs[summary.step] = (seconds / items, 1) }
        }
    }

    mutating func count(_ item: RunState.Finished, step: String, scope: String) {
        (progress.step, progress.note) = (step, "")
        if item.isRestore { progress.total += 1 }
        switch item.outcome {
        case .done(let completed):
            progress.ran += 1
            let earlier = costs[step] ?? (0, 0)
            costs[step] = (earlier.seconds + completed.seconds, earlier.items + 1)
        case .foundAgain: progress.foundAgain += 1
        case .trouble(let trouble):
            if trouble.status == .skipped {
                progress.skipped += 1
            } else {
                progress.failed += 1
                if failures.count < Self.failureLimit { failures.append("\(step) of \(scope): \(trouble.error)") }
            }
        }
    }

    /// Whether enough time has passed to show how far the run is.
    var isDue: Bool { (ContinuousClock.now - lastUpdate).inSeconds >= Self.intervalInSeconds }

    /// Brings times up to date.
    ///
    /// - Parameters:
    ///   - unfinishedByStep: how many items of each step are left, those at work among them; nil where nothing is.
    ///   - reports: what items at work say of themselves.
    mutating func update(unfinishedByStep: [Int]?, reports: [ItemNode: ItemReport] = [:]) {
        lastUpdate = ContinuousClock.now
        progress.elapsedSeconds = (lastUpdate - begin).inSeconds
        progress.begun = reports.values.reduce(0) { $0 + $1.fraction }
        // Of several the one that is least far, which is the last to end.
        if let slowest = reports.min(by: { ($0.value.fraction, $0.key.position) < ($1.value.fraction, $1.key.position) }) {
            (progress.step, progress.note) = (steps[slowest.key.step], slowest.value.note)
        } else {
            progress.note = ""
        }
        progress.remainingSeconds = unfinishedByStep.flatMap { remainingSeconds(unfinishedByStep: $0, reports: reports) }
    }

    private func remainingSeconds(unfinishedByStep: [Int], reports: [ItemNode: ItemReport]) -> Double? {
        let known = costs.values.reduce((seconds: 0.0, items: 0.0)) { ($0.seconds + $1.seconds, $0.items + $1.items) }
        func cost(_ step: Int) -> Double? {
            let cost = costs[steps[step]] ?? known
            return cost.items > 0 ? cost.seconds / cost.items : nil
        }
        var (sum, longest, others) = (0.0, 0.0, unfinishedByStep)
        for (node, report) in reports {
            // At its own pace; one that has none yet, at that of its like.
            guard let seconds = report.remainingSeconds ?? cost(node.step).map({ $0 * (1 - report.fraction) }) else { return nil }
            sum += seconds
            longest = max(longest, seconds)
            others[node.step] -= 1
        }
        for (step, count) in others.enumerated() where count > 0 {
            guard let cost = cost(step) else { return nil }
            sum += Double(count) * cost
        }
        // An item is not shared among workers.
        return max(sum / Double(jobs), longest)
    }
}

/// How far an item that takes long is, by what it says.
struct ItemReport: Sendable {
    private let begin = ContinuousClock.now
    private let firstFraction: Double
    private(set) var fraction: Double
    private(set) var note = ""

    /// - Parameter fraction: where it begins: one that goes on from where it was stopped does not begin at 0.
    init(_ fraction: Double) {
        firstFraction = fraction
        self.fraction = fraction
    }

    mutating func update(_ fraction: Double, _ note: String) {
        self.fraction = fraction
        self.note = note
    }

    /// Seconds that it still takes at the pace since its first report; nil where it has none.
    var remainingSeconds: Double? {
        guard fraction > firstFraction else { return nil }
        return (ContinuousClock.now - begin).inSeconds * (1 - fraction) / (fraction - firstFraction)
    }
}
