/// What computes the tasks of a bundle: processes of this machine, or a cluster.
public protocol JobScheduler: Sendable {
    /// The word for people and for the record: `processes`, `slurm`.
    var name: String { get }

    /// Submits the tasks of a bundle.
    ///
    /// - Returns: the id of the job that the tasks are elements of: a text that only this scheduler reads.
    func submit(_ submission: JobSubmission) throws -> String

    /// The states of the tasks of jobs that the scheduler knows of; what is left out is unknown, which is not failed.
    ///
    /// - Returns: by the id of a job, the state by the number of a task.
    func states(of jobs: [String]) throws -> [String: [Int: TaskState]]

    /// Ends jobs; those that have ended, and those that nobody knows, are no error.
    func cancel(_ jobs: [String]) throws
}

/// Some tasks of a bundle, which are to be computed.
public struct JobSubmission: Sendable {
    /// The folder of the bundle.
    public var bundle: String
    /// The numbers of the tasks.
    public var tasks: Range<Int>
    /// The name of the run, which no other run has: letters, digits and hyphens.
    public var name: String
    /// The steps that the tasks compute.
    public var steps: [String]
    /// How many threads a task uses.
    public var threads: Int
    /// How long the longest task takes; nil where nobody knows.
    public var estimatedSeconds: Double?
    /// How much memory the largest task needs; nil where nobody knows.
    public var memoryBytes: Int64?
    /// 1 at first; one more after each end for want of memory or time.
    public var attempt: Int
    /// The folder for what the tasks say.
    public var logs: String

    public init(
        bundle: String, tasks: Range<Int>, name: String, steps: [String], threads: Int, estimatedSeconds: Double? = nil,
        memoryBytes: Int64? = nil, attempt: Int = 1, logs: String
    ) {
        self.bundle = bundle
        self.tasks = tasks
        self.name = name
        self.steps = steps
        self.threads = threads
        self.estimatedSeconds = estimatedSeconds
        self.memoryBytes = memoryBytes
        self.attempt = attempt
        self.logs = logs
    }
}

/// What a scheduler knows of a task. Whether its items are done, only their result files say.
public enum TaskState: Sendable, Equatable {
    case waiting
    case running(node: String?)
    case done
    case failed(reason: FailureReason, node: String?)

    /// Whether the scheduler will not come back to the task by itself.
    public var isEnd: Bool {
        switch self {
        case .waiting, .running: false
        case .done, .failed: true
        }
    }

    /// Why a task ended before it was done.
    public enum FailureReason: String, Sendable {
        case outOfMemory, timeLimit, preempted, cancelled, nodeFailure, exit
    }
}
