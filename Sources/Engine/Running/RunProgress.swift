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
