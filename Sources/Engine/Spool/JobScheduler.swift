/// What computes the tasks of a bundle: processes of this machine, or a cluster.
///
/// A scheduler only starts `cellar work BUNDLE TASK`, and says what it knows of it. Whether an item is done says its result file alone.
public protocol JobScheduler: Sendable {
    /// `processes`, `slurm`
    var name: String { get }

    /// Submits the tasks of a bundle.
    ///
    /// - Returns: the id of the job whose elements they are.
    /// - Throws: an error of one sentence, which ends the run.
    func submit(_ submission: JobSubmission) throws -> String

    /// The job that a submission became, whose id was lost because the coordinator ended while it submitted; what is there only in part is
    /// ended. Bundle, tasks, name and attempt are those of the submission.
    ///
    /// - Returns: nil where there is none that has not ended.
    func job(of submission: JobSubmission) throws -> String?

    /// The states of the tasks of jobs that the scheduler knows of; what is left out is unknown, which is not failed.
    ///
    /// - Throws: where the scheduler cannot be asked now; it is asked again later.
    func states(of jobs: [String]) throws -> [String: [Int: TaskState]]

    /// Ends the tasks of jobs, those that wait and those that run. What has ended already is left out.
    func cancel(_ jobs: [String]) throws

    /// How a task ended, in a few words that follow "its worker": `was ended by signal 11 (Segmentation fault)`; nil where its state
    /// says all that is known.
    func end(ofTask task: Int, job: String) -> String?

    /// What people call a task where the scheduler's own programs show it: `1234_5`; nil where none do.
    func name(ofTask task: Int, job: String) -> String?

    /// The files to which the workers of a task printed, of all its attempts that are known: those that are there, the last one last.
    ///
    /// - Parameter logs: the folder of the submission.
    func logs(ofTask task: Int, job: String, in logs: String) -> [String]
}

extension JobScheduler {
    /// nil: of a scheduler whose tasks end with the coordinator.
    public func job(of submission: JobSubmission) throws -> String? { nil }

    public func end(ofTask task: Int, job: String) -> String? { nil }

    public func name(ofTask task: Int, job: String) -> String? { nil }

    public func logs(ofTask task: Int, job: String, in logs: String) -> [String] { [] }
}

/// Some tasks of a bundle, all of one step, and what is known of their size.
public struct JobSubmission: Sendable {
    /// The folder of the bundle.
    public var bundle: String
    public var tasks: Range<Int>
    /// Unique among all submissions of a run, and begins with what all of them have in common.
    public var name: String
    public var steps: [String]
    /// The threads that a task may use.
    public var threads: Int
    /// Of the longest task; nil where nothing is known.
    public var estimatedSeconds: Double?
    public var memoryBytes: Int64?
    /// From 1: the greatest number of times that one of the tasks was submitted.
    public var attempt: Int
    /// The folder for what workers print.
    public var logs: String

    public init(
        bundle: String, tasks: Range<Int>, name: String, steps: [String], threads: Int, estimatedSeconds: Double? = nil,
        memoryBytes: Int64? = nil, attempt: Int, logs: String
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

/// The state of a task, as its scheduler sees it.
public enum TaskState: Sendable, Equatable {
    case waiting
    case running(node: String?)
    case done
    case failed(reason: FailureReason, node: String?)

    public enum FailureReason: String, Sendable {
        case outOfMemory, timeLimit
        /// The worker saved what it had and ended, because it was asked to, or another job took its place.
        case preempted
        case cancelled, nodeFailure
        /// The worker ended with another exit code than 0, or by a signal.
        case exit
    }
}
