/// How far a run is.
public struct RunProgress: Sendable, Hashable {
    /// Items that the run knows of: those that had to run, and those that might have to.
    public var total = 0
    /// Items that ran.
    public var ran = 0
    /// Items whose earlier result was found right: at once, or when what comes before them had been done.
    public var kept = 0
    public var failed = 0
    public var skipped = 0
    /// How much of items that are at work is done, by what they say: 0.5 where one is half way.
    public var begun = 0.0
    /// Seconds since the run began.
    public var elapsedSeconds = 0.0
    /// Seconds that are left, by what items of each step took so far, here and in earlier runs, and by what those at work
    /// say; nil before any is known.
    public var remainingSeconds: Double?
    /// The step whose items were last done, or of which one last said how far it is.
    public var step = ""
    /// What that one said: `epoch 12 of 60`; empty where none did.
    public var note = ""

    public var finished: Int { ran + kept + failed + skipped }

    /// How much is done, from 0 to 1.
    public var fraction: Double { total == 0 ? 1 : min(1, (Double(finished) + begun) / Double(total)) }
}

/// How a run ended.
public struct RunReport: Sendable, Hashable {
    public var runID: Int64
    public var progress: RunProgress
    /// Whether it stopped before all was done: it was asked to, or something failed and it was to stop then.
    public var wasStopped: Bool
    /// The first few failures, one sentence each.
    public var failures: [String]

    /// Whether everything is fresh now.
    public var isComplete: Bool { !wasStopped && progress.failed == 0 && progress.skipped == 0 }
}
