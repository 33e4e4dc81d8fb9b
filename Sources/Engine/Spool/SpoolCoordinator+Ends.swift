import Basics
import CatalogSchema
import Foundation
import Volumes

/// What becomes of tasks that end without results.
extension SpoolCoordinator {
    /// Asks the scheduler for the states of all tasks. Where it cannot be asked, nothing has failed.
    func judge() throws {
        let waiting = tasks.filter { !$0.items.isEmpty }
        guard let states = try? scheduler.states(of: Set(waiting.map(\.job)).sorted()) else { return }
        for task in waiting {
            switch states[task.job]?[task.number] {
            case .waiting, .running: task.endedAt = nil
            case .done: try end(task, because: nil)
            case .failed(let reason, _): try end(task, because: reason)
            case nil:
                // A task that waits gives no sign of life, for days.
                let limit = task.beat == nil ? 96 * options.lostSeconds : options.lostSeconds
                if (ContinuousClock.now - task.lastSign).inSeconds > limit { try end(task, because: .nodeFailure) }
            }
        }
    }

    /// Takes up the items of a task again that have no result, or blames one.
    private func end(_ task: SpoolTask, because reason: TaskState.FailureReason?) throws {
        let endedAt = task.endedAt ?? ContinuousClock.now
        task.endedAt = endedAt
        guard (ContinuousClock.now - endedAt).inSeconds >= options.graceSeconds else { return }
        task.listed = nil
        _ = try collect(task)
        guard !task.items.isEmpty else { return }
        let path = task.folder.progress(of: task.number)
        let progress = try? SealedFile.readIfThere(TaskProgress.self, at: path)
        if let refusal = progress?.refusal { throw EngineError(.spool, "a worker on \(progress?.host ?? "?") ended: \(refusal)") }
        // The next worker writes another one.
        unlink(path)
        task.host = progress?.host ?? task.host
        let blamed = progress?.key.flatMap { task.items[$0] }
        let end = scheduler.end(ofTask: task.number, job: task.job)
        switch reason {
        case .cancelled: failAll(of: task, "its job was cancelled; run again to compute it")
        case .preempted, .nodeFailure:
            task.restarts += 1
            if task.restarts > options.restartLimit {
                failAll(of: task, "its worker \(end ?? "was stopped") \(task.restarts) times; run again to go on")
            }
        case .outOfMemory: blame(blamed, of: task, end ?? "ran out of memory", limit: options.resourceLimit)
        case .timeLimit: blame(blamed, of: task, end ?? "ran into its time limit", limit: options.resourceLimit)
        case .exit: blame(blamed, of: task, end ?? "ended with an error", limit: options.crashLimit)
        case nil: blame(nil, of: task, end ?? "ended without a result", limit: options.crashLimit)
        }
        guard !task.items.isEmpty else { return }
        task.attempt += 1
        try submit([task], of: bundle(of: task), estimatedSeconds: costs.seconds(ofItems: Array(task.items.values)))
    }

    private func blame(_ item: PreparedItem?, of task: SpoolTask, _ end: String, limit: Int) {
        guard let item else {
            if task.hasNewResults { return }
            task.fruitlessEnds += 1
            if task.fruitlessEnds > limit {
                failAll(of: task, "its worker \(end) \(task.fruitlessEnds) times, before any item began")
            }
            return
        }
        crashes[item.key, default: 0] += 1
        guard let count = crashes[item.key], count >= limit else { return }
        let times = count == 1 ? "" : count == 2 ? " twice" : " \(count) times"
        fail(item, of: task, "its worker \(end)\(times) while it computed this; the step may need more memory, or has a fault")
    }

    private func failAll(of task: SpoolTask, _ error: String) {
        for item in task.items.values.sorted(by: { $0.node.position < $1.node.position }) { fail(item, of: task, error) }
    }

    private func fail(_ item: PreparedItem, of task: SpoolTask, _ error: String) {
        // Workers that take up the task leave it out.
        let result = ItemResult(
            key: item.key, host: ProcessInfo.processInfo.hostName, process: getpid(), startedAt: Timestamp.now, seconds: 0,
            failure: error)
        try? SealedFile.write(result, to: task.folder.result(of: item.key, task: task.number), durable: false)
        task.items[item.key] = nil
        let bundle = bundle(of: task)
        bring(
            item,
            ComputedItem(
                outcome: .failed(error, log: log(ofTask: task.number, bundle)), startedAt: result.startedAt, seconds: 0,
                place: place(of: task.host, ofTask: task.number, bundle)), of: bundle)
    }
}

extension StepCosts {
    /// The seconds of several items; nil where the step of one never ran.
    func seconds(ofItems items: [PreparedItem]) -> Double? {
        var sum = 0.0
        for item in items {
            guard let seconds = seconds(of: item.node.step) else { return nil }
            sum += seconds
        }
        return sum
    }
}
