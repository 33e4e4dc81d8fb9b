internal import Basics
public import Foundation
internal import Synchronization
internal import Volumes

/// Computes tasks by worker processes of this machine, some at a time.
///
/// Workers end when the process that started them ends, in whatever way: their standard input ends then.
public final class ProcessScheduler: JobScheduler {
    private struct Element: Hashable {
        let job: String
        let task: Int
    }

    private struct Queued {
        let element: Element
        let submission: JobSubmission
    }

    private struct State {
        var queue: [Queued] = []
        var head = 0
        var states: [String: [Int: TaskState]] = [:]
        var ends: [Element: String] = [:]
        var processes: [Element: pid_t] = [:]
        var isClosed = false
        var jobs = 0

        mutating func next() -> Queued? {
            guard head < queue.count else { return nil }
            defer {
                head += 1
                if head == queue.count { (queue, head) = ([], 0) }
            }
            return queue[head]
        }
    }

    static let schedulerName = "processes"

    public let name = ProcessScheduler.schedulerName
    private let state = Monitor(State())
    private let threads: StartedThreads

    /// The exit code with which a worker says that it is to be started again.
    public static let againCode: Int32 = 75

    /// - Parameters:
    ///   - jobs: how many workers run at a time.
    ///   - command: the program of workers, and its arguments before the folder of the bundle and the number of the task.
    ///   - environment: the variables of workers.
    /// - Throws: ``EngineError`` where no thread can be started.
    public init(
        jobs: Int, command: [String], environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws {
        threads = try StartedThreads(count: max(1, jobs), stackSize: 1 << 20) { [state] in
            Self.work(state, command: command, environment: environment)
        }
    }

    deinit {
        state.update { state in
            state.isClosed = true
            for process in state.processes.values { kill(process, SIGKILL) }
        }
        threads.join()
    }

    public func submit(_ submission: JobSubmission) throws -> String {
        state.update { state in
            state.jobs += 1
            let job = "\(getpid())-\(state.jobs)"
            for task in submission.tasks {
                state.states[job, default: [:]][task] = .waiting
                state.queue.append(Queued(element: Element(job: job, task: task), submission: submission))
            }
            return job
        }
    }

    public func states(of jobs: [String]) throws -> [String: [Int: TaskState]] {
        state.read { state in
            jobs.reduce(into: [:]) { states, job in states[job] = state.states[job] }
        }
    }

    /// Workers that run are asked to save what they have.
    public func cancel(_ jobs: [String]) throws {
        let wanted = Set(jobs)
        state.update { state in
            for job in jobs {
                for (task, taskState) in state.states[job] ?? [:] where taskState == .waiting {
                    state.states[job]?[task] = .failed(reason: .cancelled, node: nil)
                }
            }
            state.queue = state.queue[state.head...].filter { !wanted.contains($0.element.job) }
            state.head = 0
            for (element, process) in state.processes where wanted.contains(element.job) { kill(process, SIGTERM) }
        }
    }

    public func end(ofTask task: Int, job: String) -> String? { state.read { $0.ends[Element(job: job, task: task)] } }

    private static func log(ofTask task: Int, attempt: Int, in logs: String) -> String { "\(logs)/\(task)-\(attempt)" }

    public func logs(ofTask task: Int, job: String, in logs: String) -> [String] {
        // The jobs of one task count its attempts.
        (1...).lazy.map { Self.log(ofTask: task, attempt: $0, in: logs) }.prefix { FilePath.exists($0) }.map { $0 }
    }

    /// One past the last descriptor that may be open here, as far as files are opened in the usual order.
    private static let descriptorLimit: Int32 = {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        return Int32(min(limit.rlim_cur, 1024))
    }()

    // MARK: Starting workers, on threads of their own

    private static func work(_ state: Monitor<State>, command: [String], environment: [String: String]) {
        while true {
            let next: Queued?? = state.wait { state in
                if state.isClosed { return .some(nil) }
                return state.next().map { .some($0) }
            }
            guard let next = next ?? nil else { return }
            let log = Self.log(ofTask: next.element.task, attempt: next.submission.attempt, in: next.submission.logs)
            let (outcome, words) = run(command, next, log: log, environment: environment, state)
            state.update { state in
                state.processes[next.element] = nil
                state.states[next.element.job]?[next.element.task] = outcome
                state.ends[next.element] = words
            }
        }
    }

    private static func run(
        _ command: [String], _ queued: Queued, log: String, environment: [String: String], _ state: Monitor<State>
    ) -> (TaskState, String?) {
        var ends: [Int32] = [-1, -1]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { return failure("could not be started: \(SystemError.last.reason)") }
        // It is closed when this process ends: then the worker ends too.
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_CREAT | O_WRONLY | O_APPEND, 0o666)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Files that are open here, and locked, are not the worker's business.
        for descriptor in STDERR_FILENO + 1..<Self.descriptorLimit {
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGPIPE, SIGINT, SIGTERM] { sigaddset(&signals, number) }
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // A group of its own, so that Ctrl-C of the terminal reaches the coordinator only.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
        let submission = queued.submission
        let words = command + ["--threads", "\(submission.threads)", "--", submission.bundle, "\(queued.element.task)"]
        var process: pid_t = 0
        let status = withPointers(to: words) { words in
            withPointers(to: environment.map { "\($0)=\($1)" }) {
                posix_spawnp(&process, command.first ?? "", &actions, &attributes, words, $0)
            }
        }
        close(ends[0])
        guard status == 0 else {
            return failure("could not be started (\(command.first ?? "")): \(SystemError(status).reason)")
        }
        let isWanted = state.update { state in
            state.processes[queued.element] = process
            guard state.states[queued.element.job]?[queued.element.task] == .waiting, !state.isClosed else { return false }
            state.states[queued.element.job]?[queued.element.task] = .running(node: nil)
            return true
        }
        if !isWanted { kill(process, SIGTERM) }
        var end: Int32 = 0
        do { try SystemCall.uninterrupted { waitpid(process, &end, 0) } } catch { return failure("was lost: \(error.reason)") }
        // The macros of <sys/wait.h>, which Swift does not import.
        let (signal, code) = (end & 0x7f, (end >> 8) & 0xff)
        if signal != 0 { return failure("was ended by signal \(signal) (\(String(cString: strsignal(signal))))") }
        switch code {
        case 0: return (.done, nil)
        case againCode: return (.failed(reason: .preempted, node: nil), nil)
        default: return failure("ended with the exit code \(code)" + lastLine(of: log))
        }
    }

    /// What a worker printed last, in brackets.
    private static func lastLine(of log: String) -> String {
        let bytes = (try? SmallFile(log).read(limit: 1 << 20)) ?? nil
        let line = String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n").last
        return line.map { " (\($0))" } ?? ""
    }

    private static func failure(_ words: String) -> (TaskState, String?) { (.failed(reason: .exit, node: nil), words) }

    private static func withPointers<Result>(
        to texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
