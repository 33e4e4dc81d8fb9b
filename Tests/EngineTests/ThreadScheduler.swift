import Basics
import Engine
import Foundation
import Synchronization
import ToySteps

/// Computes tasks on threads of the test, one after the other or several at a time, and fails as it is told.
final class ThreadScheduler: JobScheduler {
    struct Fault: Sendable {
        /// Whether a worker is asked to stop before it computes anything, so that its state is `preempted`.
        var preempts: @Sendable (_ attempt: Int) -> Bool = { _ in false }
        /// Called with the request to stop of each worker that begins.
        var began: @Sendable (_ cancellation: Cancellation, _ attempt: Int) -> Void = { _, _ in }
        /// Called with the folder of the bundle before a worker begins.
        var before: @Sendable (_ bundle: String, _ task: Int, _ attempt: Int) -> Void = { _, _, _ in }
        /// Called after it has ended.
        var after: @Sendable (_ bundle: String, _ task: Int, _ attempt: Int) -> Void = { _, _, _ in }
        /// Whether a task does not begin before its job is cancelled, and then never does.
        var waitsForCancelling: @Sendable (_ task: Int) -> Bool = { _ in false }
        /// How many workers compute each task at the same time.
        var twins = 1
        /// Whether the states of all tasks are unknown.
        var isSilent = false
        /// Called when states are asked for: whether the answer is to wait until all tasks have ended.
        var waitsForEnds: @Sendable () -> Bool = { false }
        /// Whether the answer to the first submission is lost: the tasks are taken, and the run ends.
        var losesFirstAnswer = false
    }

    let name = "test"
    private let worker: Worker
    private let fault: Fault
    private let states = Mutex<[String: [Int: TaskState]]>([:])
    private let jobs = Atomic<Int>(0)
    /// By the name of the submission.
    private let ids = Mutex<[String: String]>([:])
    private let cancelled = Mutex<[String]>([])
    private let messages = Mutex<[String]>([])
    private let queue = DispatchQueue(label: "workers", attributes: .concurrent)

    init(_ steps: [any Step], version: String = "0", fault: Fault = Fault()) throws {
        worker = Worker(graph: try StepGraph(steps), version: version)
        self.fault = fault
    }

    var jobCount: Int { jobs.load(ordering: .relaxed) }
    /// The jobs that the run had ended, in that order.
    var cancelledJobs: [String] { cancelled.withLock { $0 } }
    var errors: [String] { messages.withLock { $0 } }

    func submit(_ submission: JobSubmission) throws -> String {
        let id = "\(jobs.wrappingAdd(1, ordering: .relaxed).newValue)"
        for task in submission.tasks {
            states.withLock { $0[id, default: [:]][task] = .waiting }
            queue.async { self.work(submission, id, task) }
        }
        ids.withLock { $0[submission.name] = id }
        if fault.losesFirstAnswer, id == "1" { throw EngineError(.spool, "the answer was lost") }
        return id
    }

    func job(of submission: JobSubmission) throws -> String? { ids.withLock { $0[submission.name] } }

    private func work(_ submission: JobSubmission, _ id: String, _ task: Int) {
        states.withLock { $0[id]?[task] = .running(node: nil) }
        fault.before(submission.bundle, task, submission.attempt)
        while fault.waitsForCancelling(task), !cancelledJobs.contains(id) { usleep(1000) }
        guard !cancelledJobs.contains(id) else {
            states.withLock { $0[id]?[task] = .failed(reason: .cancelled, node: nil) }
            return
        }
        let cancellation = Cancellation()
        if fault.preempts(submission.attempt) { cancellation.cancel() }
        fault.began(cancellation, submission.attempt)
        let ends = Mutex<[TaskState]>([])
        DispatchQueue.concurrentPerform(iterations: fault.twins) { _ in
            let end: TaskState
            do {
                let result = try worker.work(bundle: submission.bundle, task: task, cancellation: cancellation)
                end = result == .finished ? .done : .failed(reason: .preempted, node: nil)
            } catch {
                messages.withLock { $0.append("\(error)") }
                end = .failed(reason: .exit, node: nil)
            }
            ends.withLock { $0.append(end) }
        }
        fault.after(submission.bundle, task, submission.attempt)
        let end = ends.withLock { $0.first { $0 != .done } ?? .done }
        states.withLock { $0[id]?[task] = end }
    }

    func states(of jobs: [String]) throws -> [String: [Int: TaskState]] {
        if fault.isSilent { return [:] }
        if fault.waitsForEnds() {
            while states.withLock({ $0.values.contains { $0.values.contains(where: Self.isGoingOn) } }) { usleep(1000) }
        }
        return states.withLock { states in jobs.reduce(into: [:]) { $0[$1] = states[$1] } }
    }

    func name(ofTask task: Int, job: String) -> String? { "\(job)_\(task)" }

    /// What the worker of a task said, where ``Fault`` has it write its log.
    func logs(ofTask task: Int, job: String, in logs: String) -> [String] {
        ["\(logs)/\(task)"].filter { FileManager.default.fileExists(atPath: $0) }
    }

    private static func isGoingOn(_ state: TaskState) -> Bool {
        switch state {
        case .waiting, .running: true
        case .done, .failed: false
        }
    }

    /// Tasks that have begun go on.
    func cancel(_ jobs: [String]) throws { cancelled.withLock { $0 += jobs } }
}

extension SpoolOptions {
    /// Many small tasks, and no item in the coordinator.
    static func tests(itemsPerTask: Int = 3) -> SpoolOptions {
        var options = SpoolOptions(slots: 2, taskLimit: 6)
        (options.itemsPerTask, options.localSeconds, options.leastTaskSeconds) = (itemsPerTask, 0, 0.001)
        options.resultPause = 0.005
        options.statePause = 0.005
        return options
    }
}
