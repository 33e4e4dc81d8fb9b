import Catalog
import CatalogSchema

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
    ///   - adopted: items whose earlier result is only taken up again.
    init(unfinished: Int, adopted: Int, jobs: Int, summaries: [Plan.StepSummary]) {
        progress = RunProgress(total: unfinished + adopted, kept: adopted)
        self.jobs = jobs
        steps = summaries.map(\.step)
        for summary in summaries {
            let items = Double(summary.stale + summary.pending + summary.restore)
            if let seconds = summary.estimatedSeconds, items > 0 { costs[summary.step] = (seconds / items, 1) }
        }
    }

    mutating func count(_ item: RunState.Finished, step: String, scope: String) {
        progress.step = step
        if item.isRestore { progress.total += 1 }
        switch item.outcome {
        case .done(let completed):
            progress.ran += 1
            let earlier = costs[step] ?? (0, 0)
            costs[step] = (earlier.seconds + completed.seconds, earlier.items + 1)
        case .adopted: progress.kept += 1
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

    mutating func update(unfinishedByStep: [Int]?) {
        lastUpdate = ContinuousClock.now
        progress.elapsedSeconds = (lastUpdate - begin).inSeconds
        progress.remainingSeconds = unfinishedByStep.flatMap { unfinished in
            let known = costs.values.reduce((seconds: 0.0, items: 0.0)) { ($0.seconds + $1.seconds, $0.items + $1.items) }
            guard known.items > 0 else { return nil }
            let seconds = zip(steps, unfinished).reduce(0.0) { sum, step in
                let cost = costs[step.0] ?? known
                return sum + Double(step.1) * cost.seconds / cost.items
            }
            return seconds / Double(jobs)
        }
    }
}
