import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import Volumes

/// The state of a spool in a run; used by one thread.
final class SpoolCoordinator {
    let run: RunExecution
    let scheduler: any JobScheduler
    let options: SpoolOptions
    let costs: StepCosts
    /// The folder of bundles.
    let spool: String
    var writer: BundleWriter
    var bundles: [SpoolBundle] = []
    /// The tasks with items that the run waits for.
    var tasks: [SpoolTask] = []
    /// Results that an earlier run did not take, by key.
    var leftovers: [Digest: (bundle: SpoolBundle, task: Int)] = [:]
    /// Items that tasks of an earlier run are about to compute, by key.
    var continued: [Digest: SpoolTask] = [:]
    /// Taken from the run and not submitted yet.
    var pending: [PreparedItem] = []
    var pendingSince = ContinuousClock.now
    /// How often an item ended its worker, and how often its result could not be used.
    var crashes: [Digest: Int] = [:]
    var spoiled: [Digest: Int] = [:]
    /// Since when the artifacts of a result are looked for.
    var missing: [Digest: ContinuousClock.Instant] = [:]
    /// The points of curves that are in the catalog.
    var logged: [Digest: Set<CurvePoint>] = [:]
    /// The bundle of each item that was brought and is not published.
    var unpublished: [ItemNode: SpoolBundle] = [:]
    private var submissions = 0
    /// The ids of the jobs that this run submitted.
    private var jobs: Set<String> = []
    private var lastStates = ContinuousClock.now - .seconds(3600)
    private var lastProgress = ContinuousClock.now
    /// How long to wait before the next turn.
    private(set) var pause = 0.001
    private(set) var isStopping = false

    init(_ run: RunExecution, scheduler: any JobScheduler, options: SpoolOptions, costs: StepCosts) {
        self.run = run
        self.scheduler = scheduler
        self.options = options
        self.costs = costs
        spool = options.folder ?? run.catalog.directory.spool
        writer = BundleWriter(run, spool: spool)
    }

    /// Takes results, looks after tasks, and submits what is ready.
    ///
    /// - Parameter published: the items that were published since the last turn.
    /// - Returns: whether there will be anything more to do.
    /// - Throws: an error that ends the run.
    func turn(published: [ItemNode]) throws -> Bool {
        forget(published)
        let (isOver, shouldStop) = run.state.read { ($0.isOver, $0.isStopping) }
        if isOver { return false }
        if shouldStop || run.cancellation.isCancelled { return try stop() }
        var isBusy = try collectAll()
        let now = ContinuousClock.now
        if (now - lastStates).inSeconds >= options.statePause, tasks.contains(where: { !$0.items.isEmpty }) {
            lastStates = now
            try judge()
        }
        if (now - lastProgress).inSeconds >= max(1, options.resultPause) {
            lastProgress = now
            for task in tasks { try readProgress(of: task) }
        }
        if try submitReady() { isBusy = true }
        pause = isBusy ? 0.002 : min(pause * 1.5, options.resultPause)
        return true
    }

    /// Removes bundles whose results are all in the catalog.
    private func forget(_ published: [ItemNode]) {
        for node in published { unpublished.removeValue(forKey: node)?.unpublished.remove(node) }
        tasks.removeAll { $0.items.isEmpty }
        guard !published.isEmpty else { return }
        bundles.removeAll { bundle in
            guard !bundle.isOld, bundle.isOver else { return false }
            bundle.folder.remove()
            return true
        }
    }

    /// Ends, or leaves, what is computed, because the run is to stop.
    ///
    /// Where people stop it, tasks of a cluster go on. Where an item has failed and nothing more is wanted (`--fail-fast`), they end, but for those
    /// of jobs that an earlier run submitted: these may compute what other runs wait for.
    ///
    /// - Returns: whether it has to be waited for.
    private func stop() throws -> Bool {
        let isForFailure = !run.cancellation.isCancelled
        let ending = tasks.filter { !$0.items.isEmpty && (options.endsTasksWhenStopped || isForFailure && jobs.contains($0.job)) }
        let ids = Set(ending.map(\.job)).sorted()
        guard !ids.isEmpty else {
            abandonAll(leavingBundles: !options.endsTasksWhenStopped)
            return false
        }
        if !isStopping { try scheduler.cancel(ids) }
        isStopping = true
        let states = try scheduler.states(of: ids)
        pause = 0.01
        if ending.contains(where: { Self.isGoingOn(states[$0.job]?[$0.number]) }) { return true }
        // What came in at the last moment.
        if !run.hasFailed { _ = try collectAll() }
        abandon(ending, leavingBundles: false)
        abandonAll(leavingBundles: true)
        return false
    }

    static func isGoingOn(_ state: TaskState?) -> Bool {
        switch state {
        case .waiting, .running: true
        case .done, .failed, nil: false
        }
    }

    /// Gives back all items that have no result.
    ///
    /// - Parameter leavingBundles: whether their bundles stay, with results that are taken by the next run.
    func abandonAll(leavingBundles: Bool) {
        for item in pending { run.abandon(item.node, because: nil) }
        pending = []
        abandon(tasks, leavingBundles: leavingBundles)
    }

    private func abandon(_ tasks: [SpoolTask], leavingBundles: Bool) {
        for task in tasks where !task.items.isEmpty {
            if leavingBundles { bundle(of: task).isLeft = true }
            for item in task.items.values { run.abandon(item.node, because: nil) }
            task.items = [:]
        }
    }

    /// Leaves the spool, after all that was taken was published: what nobody needs any more is removed.
    func end(published: [ItemNode]) {
        forget(published)
        for bundle in bundles where bundle.isOld { forgetLeftovers(of: bundle) }
        for bundle in bundles where bundle.isOver && !(bundle.isOld && isGoingOn(bundle)) { bundle.folder.remove() }
        removeStaged()
    }

    private func isGoingOn(_ bundle: SpoolBundle) -> Bool {
        guard bundle.jobs.scheduler == scheduler.name, !bundle.jobs.jobs.isEmpty else { return false }
        let states = try? scheduler.states(of: bundle.jobs.jobs.compactMap(\.id))
        return states?.values.contains { $0.values.contains(where: Self.isGoingOn) } ?? true
    }

    func bundle(of task: SpoolTask) -> SpoolBundle {
        bundles.first { $0.folder == task.folder } ?? SpoolBundle(folder: task.folder, scheduler: scheduler.name, isOld: true)
    }

    /// Removes what workers of bundles that are over left in the blob store.
    func removeStaged() {
        let spool = spool
        guard FilePath.exists(spool) else { return }
        try? run.store.removeStaged { owner in
            owner.hasPrefix("run-") && !FilePath.exists("\(spool)/\(owner)")
        }
    }

    // MARK: Submitting

    /// - Returns: whether anything was done.
    private func submitReady() throws -> Bool {
        let waiting = tasks.reduce(0) { $0 + $1.items.count }
        let free = options.taskLimit - tasks.count
        let room = min(free * options.itemsPerTask, options.itemLimit - waiting) - pending.count
        guard free > 0 else { return false }
        var isBusy = false
        if room > 0 {
            let taken = run.take(upTo: room) { [costs, options] in !costs.isLocal($0, options) }
            isBusy = !taken.isEmpty
            if pending.isEmpty { pendingSince = ContinuousClock.now }
            for item in taken where try !continueEarlier(item) { pending.append(item) }
        }
        guard !pending.isEmpty else { return isBusy }
        let grouping = TaskGrouping(options: options, seconds: costs.seconds)
        let isEnough = pending.reduce(0) { $0 + grouping.cost($1) } >= options.taskSeconds * Double(options.slots)
        let isLate = (ContinuousClock.now - pendingSince).inSeconds >= options.gatherSeconds
        guard tasks.isEmpty || isLate || isEnough else { return isBusy }
        let groups = grouping.tasks(of: pending)
        // What is left is divided anew when a task has ended, so that the last tasks are short.
        pending = Array(groups.dropFirst(free).joined())
        try submit(Array(groups.prefix(free)), grouping)
        return true
    }

    private func submit(_ groups: [[PreparedItem]], _ grouping: TaskGrouping) throws {
        let (folder, failed): (BundleFolder, [(item: PreparedItem, error: String)])
        do { (folder, failed) = try writer.write(groups) } catch {
            for item in groups.joined() { run.abandon(item.node, because: nil) }
            throw error
        }
        let bundle = SpoolBundle(folder: folder, scheduler: scheduler.name, isOld: false)
        bundles.append(bundle)
        for (number, group) in groups.enumerated() {
            let step = group.first.map { run.graph.steps[$0.node.step].name } ?? ""
            let task = SpoolTask(folder: folder, number: number, step: step, job: "", attempt: 1)
            for item in group { task.items[item.key] = item }
            bundle.tasks.append(task)
            tasks.append(task)
        }
        for (item, error) in failed {
            for task in bundle.tasks { task.items[item.key] = nil }
            run.finish(item, with: ComputedItem(outcome: .failed(error), startedAt: Timestamp.now, seconds: 0))
        }
        // Tasks of one step need the same of a cluster.
        var first = 0
        while first < groups.count {
            let end = bundle.tasks[first...].firstIndex { $0.step != bundle.tasks[first].step } ?? groups.count
            let longest = groups[first..<end].map { $0.reduce(0) { $0 + grouping.cost($1) } }.max()
            let isKnown = groups[first].first.map { costs.seconds(of: $0.node.step) != nil } ?? false
            try submit(Array(bundle.tasks[first..<end]), of: bundle, estimatedSeconds: isKnown ? longest : nil)
            first = end
        }
    }

    /// Submits neighbouring tasks of a bundle, and notes that.
    func submit(_ submitted: [SpoolTask], of bundle: SpoolBundle, estimatedSeconds: Double?) throws {
        guard let first = submitted.first, let last = submitted.last else { return }
        submissions += 1
        let attempt = submitted.map(\.attempt).max() ?? 1
        let tasks = first.number..<last.number + 1
        let submission = JobSubmission(
            bundle: bundle.folder.path, tasks: tasks, name: "cellar-\(run.runID)-\(bundle.folder.id)-\(submissions)",
            steps: [first.step], threads: options.threads, estimatedSeconds: estimatedSeconds,
            memoryBytes: run.stepIndex[first.step].flatMap(costs.memoryBytes), attempt: attempt,
            logs: bundle.folder.logs)
        // Noted before it is submitted, too: should this process end in between, the next one asks for the job.
        bundle.jobs.jobs.append(
            BundleJobs.Job(
                id: nil, name: submission.name, first: tasks.lowerBound, end: tasks.upperBound, attempt: attempt))
        try write(bundle.jobs, of: bundle)
        let id = try scheduler.submit(submission)
        jobs.insert(id)
        for task in submitted {
            (task.job, task.endedAt, task.hasNewResults, task.lastSign) = (id, nil, false, ContinuousClock.now)
        }
        bundle.jobs.jobs[bundle.jobs.jobs.count - 1].id = id
        try write(bundle.jobs, of: bundle)
    }

    private func write(_ jobs: BundleJobs, of bundle: SpoolBundle) throws {
        do { try SealedFile.write(jobs, to: bundle.folder.jobs) } catch {
            throw FilePath.exists(bundle.folder.path) ? error : bundle.folder.gone
        }
    }
}
