import Basics

/// A task of a bundle that was submitted, with its items that have no result yet.
final class SpoolTask {
    let folder: BundleFolder
    let number: Int
    let step: String
    /// The items that the run waits for.
    var items: [Digest: PreparedItem] = [:]
    /// What was submitted last.
    var job: String
    var attempt: Int
    /// The result files that were looked at.
    var seen: Set<String> = []
    /// The time of change of the folder of results when it was last listed.
    var listed: (seconds: Int, nanoseconds: Int)?
    /// When the scheduler first said that it has ended.
    var endedAt: ContinuousClock.Instant?
    /// The last sign of life, and when it was seen.
    var beat: (process: Int32, count: Int)?
    var lastSign = ContinuousClock.now
    /// Where its last worker was that told.
    var host: String?
    /// How often it ended without a result and without an item to blame.
    var fruitlessEnds = 0
    var restarts = 0
    /// Whether a result came since it was submitted.
    var hasNewResults = false

    init(folder: BundleFolder, number: Int, step: String, job: String, attempt: Int) {
        self.folder = folder
        self.number = number
        self.step = step
        self.job = job
        self.attempt = attempt
    }
}

/// A bundle of which the run takes results.
final class SpoolBundle {
    let folder: BundleFolder
    var jobs: BundleJobs
    /// Items whose results were taken and are not published yet.
    var unpublished: Set<ItemNode> = []
    var tasks: [SpoolTask] = []
    /// Whether an earlier run wrote it.
    let isOld: Bool
    /// The results that an earlier run did not take.
    var leftovers: Set<Digest> = []
    /// Whether tasks of it go on when this run ends.
    var isLeft = false

    init(folder: BundleFolder, scheduler: String, isOld: Bool) {
        self.folder = folder
        self.isOld = isOld
        jobs = BundleJobs(scheduler: scheduler)
    }

    var isOver: Bool { !isLeft && unpublished.isEmpty && leftovers.isEmpty && tasks.allSatisfy(\.items.isEmpty) }
}
