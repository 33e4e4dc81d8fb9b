import Catalog
import CatalogSchema

/// The progress of a run.
public struct RunProgress: Sendable, Hashable {
    /// Items that are stale, waiting, or found again when the run begins.
    public var total = 0
    /// Items that ran.
    public var ran = 0
    /// Items that did not run because an earlier result has today's key: known at the beginning, or after the items before them ended.
    public var foundAgain = 0
    public var failed = 0
    public var skipped = 0
    /// The sum of the fractions that items in progress report: 0.5 where one is half done.
    public var begun = 0.0
    /// Seconds since the run began.
    public var elapsedSeconds = 0.0
    /// The estimated seconds that are left, from the times of each step's items in this run and earlier ones, and from the reports of items in
    /// progress; nil before any is known.
    public var remainingSeconds: Double?
    /// The step of the item that was published or reported progress last.
    public var step = ""
    /// The note that the item reported: `epoch 12 of 60`; empty where it reported nothing.
    public var note = ""

    public var finished: Int { ran + foundAgain + failed + skipped }

    /// The fraction of the run that is done, from 0 to 1.
    public var fraction: Double { total == 0 ? 1 : min(1, (Double(finished) + begun) / Double(total)) }
}

/// The outcome of a run.
public struct RunReport: Sendable, Hashable {
    public var runID: Int64
    public var progress: RunProgress
    /// Whether it stopped before all items were done: it was cancelled, or an item failed with `--fail-fast`.
    public var wasStopped: Bool
    /// The first few failures, one sentence each.
    public var failures: [String]

    /// Whether everything is fresh now.
    public var isComplete: Bool { !wasStopped && progress.failed == 0 && progress.skipped == 0 }
}

/// Counts the items of a run, and estimates the time that is left.
struct RunMeter: Sendable {
    private static let intervalInSeconds = 0.2
    private static let failureLimit = 20

    private(set) var progress: RunProgress
    private(set) var failures: [String] = []
    private let jobs: Int
    private let begin = ContinuousClock.now
    private var lastUpdate = ContinuousClock.now
    /// The seconds and the number of items of each step in this run; the mean of earlier runs counts as one item.
    private var costs: [String: (seconds: Double, items: Double)] = [:]
    private let steps: [String]

    /// - Parameters:
    ///   - unfinished: the number of items to compute.
    ///   - foundAgain: the number of items whose earlier result has today's key.
    ///   - blocked: the number of items that cannot run, and the reason.
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

    /// Whether enough time has passed since the progress was shown last.
    var isDue: Bool { (ContinuousClock.now - lastUpdate).inSeconds >= Self.intervalInSeconds }

    /// Updates the times.
    ///
    /// - Parameters:
    ///   - unfinishedByStep: the number of items of each step that are left, those in progress included; nil where none is left.
    ///   - reports: the reports of the items in progress.
    mutating func update(unfinishedByStep: [Int]?, reports: [ItemNode: ItemReport] = [:]) {
        lastUpdate = ContinuousClock.now
        progress.elapsedSeconds = (lastUpdate - begin).inSeconds
        progress.begun = reports.values.reduce(0) { $0 + $1.fraction }
        // Among several, the one with the smallest fraction, which ends last.
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
            // At its own pace, else at the mean pace of its step.
            guard let seconds = report.remainingSeconds ?? cost(node.step).map({ $0 * (1 - report.fraction) }) else { return nil }
            sum += seconds
            longest = max(longest, seconds)
            others[node.step] -= 1
        }
        for (step, count) in others.enumerated() where count > 0 {
            guard let cost = cost(step) else { return nil }
            sum += Double(count) * cost
        }
        // The time left is at least that of the longest item, since an item runs on one worker.
        return max(sum / Double(jobs), longest)
    }
}

/// The progress of an item that takes long, from its reports.
struct ItemReport: Sendable {
    private let begin = ContinuousClock.now
    private let firstFraction: Double
    private(set) var fraction: Double
    private(set) var note = ""

    /// - Parameter fraction: the first reported fraction: an item that continues after a stop does not begin at 0.
    init(_ fraction: Double) {
        firstFraction = fraction
        self.fraction = fraction
    }

    mutating func update(_ fraction: Double, _ note: String) {
        self.fraction = fraction
        self.note = note
    }

    /// The seconds that are left at the pace since its first report; nil where there is no pace yet.
    var remainingSeconds: Double? {
        guard fraction > firstFraction else { return nil }
        return (ContinuousClock.now - begin).inSeconds * (1 - fraction) / (fraction - firstFraction)
    }
}
