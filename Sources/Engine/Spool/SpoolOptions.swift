/// How the items of a run are grouped into tasks, and how often workers are looked after.
public struct SpoolOptions: Sendable {
    /// The folder of bundles; nil for `spool` in the catalog's own. All workers have to see it.
    public var folder: String?
    /// The tasks that are computed at the same time, as far as is known: work is divided so that all have some.
    public var slots: Int
    /// The most tasks that are submitted and have not ended.
    public var taskLimit: Int
    /// The most items of a task.
    public var itemsPerTask = 1000
    /// The most items that are submitted and have no result.
    public var itemLimit = 20_000
    /// What a task should take, from recorded times.
    public var taskSeconds = 600.0
    /// The least that a task should take where there is enough to do.
    public var leastTaskSeconds = 2.0
    /// What an item is taken to take where its step never ran.
    public var assumedSeconds = 10.0
    /// Items of steps that take less run in the coordinator: they are not worth a file.
    public var localSeconds = 0.05
    /// How long items are gathered before they are submitted, where something else is computed meanwhile.
    public var gatherSeconds = 0.0
    /// The longest pause between two looks at result files.
    public var resultPause = 0.05
    /// The pause between two questions to the scheduler.
    public var statePause = 0.02
    /// How long results may take to be seen after their task has ended: network file systems remember what a folder had.
    public var graceSeconds = 0.0
    /// A task of which the scheduler knows nothing, and which gives no sign of life for so long, is lost.
    public var lostSeconds = 900.0
    /// How often an item may end its worker, or a task end without an item to blame.
    public var crashLimit = 2
    /// How often an item may run out of memory or time: each time, the scheduler gives it more.
    public var resourceLimit = 4
    /// How often a task is taken up again after preemptions and vanished nodes.
    public var restartLimit = 100
    /// The threads that a task may use.
    public var threads = 1
    /// Whether tasks end when the run is asked to stop. Otherwise they go on, and the next run takes their results.
    public var endsTasksWhenStopped = true

    /// - Parameters:
    ///   - slots: the tasks that are computed at the same time.
    ///   - taskLimit: the most tasks that are submitted and have not ended.
    public init(slots: Int, taskLimit: Int) {
        self.slots = max(1, slots)
        self.taskLimit = max(1, taskLimit)
    }

    /// How many items of a step are divided into tasks, about: items of one tomogram stay together.
    ///
    /// - Parameter secondsPerItem: nil where the step never ran.
    /// - Returns: the number of tasks, 0 where the items are too small for workers, and how long each takes.
    public func division(of items: Int, secondsPerItem: Double?) -> (tasks: Int, secondsPerTask: Double) {
        if let secondsPerItem, secondsPerItem < localSeconds { return (0, 0) }
        let each = max(secondsPerItem ?? assumedSeconds, 1e-9)
        let length = taskLength(total: each * Double(items))
        let perTask = max(1, Int(min(Double(itemsPerTask), length * 1.0001 / each)))
        return ((items + perTask - 1) / perTask, each * Double(min(perTask, items)))
    }

    /// How long a task should take where there is so much to do.
    func taskLength(total: Double) -> Double {
        // Some tasks for each slot, so that none computes for long while others have ended.
        min(taskSeconds, max(leastTaskSeconds, total / Double(slots * 2)))
    }

    /// For workers of this machine.
    ///
    /// - Parameters:
    ///   - jobs: how many run at a time.
    ///   - processors: of this machine, which they share.
    public static func processes(jobs: Int, processors: Int) -> SpoolOptions {
        var options = SpoolOptions(slots: jobs, taskLimit: 2 * jobs)
        options.threads = max(1, processors / max(1, jobs))
        return options
    }

    /// For a cluster: tasks wait for minutes, and are long; files are seen late; a stopped run leaves its jobs alone.
    ///
    /// - Parameters:
    ///   - folder: of bundles, on a disk that all nodes see; nil for that of the catalog.
    ///   - taskLimit: the most tasks that are submitted and have not ended.
    public static func cluster(folder: String? = nil, taskLimit: Int = 1000) -> SpoolOptions {
        var options = SpoolOptions(slots: 40, taskLimit: taskLimit)
        options.folder = folder
        options.leastTaskSeconds = 60
        options.localSeconds = 0.2
        options.gatherSeconds = 10
        options.resultPause = 2
        options.statePause = 20
        options.graceSeconds = 60
        options.endsTasksWhenStopped = false
        return options
    }
}
