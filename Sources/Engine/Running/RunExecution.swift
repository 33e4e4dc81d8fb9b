import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import Synchronization
import Volumes

/// A run in progress: an executor computes items, and the calling thread publishes their results.
final class RunExecution: Sendable {
    /// The most finished items that wait to be published before executors wait. Each holds only rows and paths in memory.
    static let backlogLimit = 512

    let catalog: Catalog
    let store: BlobStore
    let runID: Int64
    let ids: [(stepID: Int64, configurationID: Int64)]
    let options: Runner.Options
    let cancellation: Cancellation
    let recipe: Recipe
    let graph: StepGraph
    let setups: [StepSetup]
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]
    /// Earlier results that have today's key.
    private let foundAgain: [(item: ItemNode, key: Digest, trace: KnownTrace)]
    /// The items that cannot run in this plan, and the reason.
    private let blocked: (items: [ItemNode], reason: String)
    let stepIndex: [String: Int]
    let volumes: VolumeCache
    let state: Monitor<RunState>
    /// The error that stopped the run: of the disk or the catalog, not of an item.
    private let fatal = Mutex<(any Error)?>(nil)
    let summaries: [Plan.StepSummary]

    init(
        plan: Plan, recipe: Recipe, catalog: Catalog, store: BlobStore, runID: Int64,
        ids: [(stepID: Int64, configurationID: Int64)], options: Runner.Options, cancellation: Cancellation
    ) {
        self.recipe = recipe
        self.catalog = catalog
        self.store = store
        self.runID = runID
        self.ids = ids
        self.options = options
        self.cancellation = Cancellation(under: cancellation)
        graph = plan.graph
        setups = plan.setups
        scopes = plan.scopes
        signatures = plan.signatures
        foundAgain = plan.foundAgain
        blocked = (plan.blockedItems, plan.blockedReason)
        stepIndex = Dictionary(uniqueKeysWithValues: plan.graph.steps.enumerated().map { ($1.name, $0) })
        volumes = VolumeCache(capacity: options.jobs + 2)
        summaries = plan.summaries
        state = Monitor(RunState(plan))
    }

    func run(progress: (RunProgress) -> Void) throws -> RunReport {
        var disk = SpentArtifacts(recipe, byteCount: try catalog.results.artifactBytes())
        try dropExcess(of: &disk, adding: state.read(\.spentBefore))
        var meter = RunMeter(
            unfinished: state.read(\.unfinished), foundAgain: foundAgain.count, blocked: (blocked.items.count, blocked.reason),
            jobs: options.jobs, summaries: summaries)
        for batch in stride(from: 0, to: foundAgain.count, by: 1000) {
            try catalog.results.record(
                foundAgain[batch..<min(batch + 1000, foundAgain.count)].map { found in
                    .foundAgain(
                        stepID: ids[found.item.step].stepID,
                        scopeID: scopes.id(of: graph.scope(of: found.item)), key: found.key,
                        trace: found.trace)
                }, runID: runID)
        }
        for batch in stride(from: 0, to: blocked.items.count, by: 1000) {
            try catalog.results.record(
                blocked.items[batch..<min(batch + 1000, blocked.items.count)].map { skipped($0, because: blocked.reason) },
                runID: runID)
        }
        let executor = options.place.executor(of: self)
        try executor.start()
        publish(counting: &meter, disk: &disk, for: executor, progress: progress)
        executor.join()
        if let error = fatal.withLock({ $0 }) { throw error }
        meter.update(unfinishedByStep: nil)
        progress(meter.progress)
        return RunReport(
            runID: runID, progress: meter.progress, wasStopped: meter.progress.finished < meter.progress.total,
            failures: meter.failures)
    }

    // MARK: Publishing, on the calling thread

    private enum Event {
        case finished([RunState.Finished])
        case reported([ItemNode: ItemReport], unfinished: [Int])
        case end
    }

    private func publish(
        counting meter: inout RunMeter, disk: inout SpentArtifacts, for executor: any Executor, progress: (RunProgress) -> Void
    ) {
        while true {
            let event: Event = state.wait { state in
                if self.cancellation.isCancelled { state.isStopping = true }
                if let batch = state.takeFinished() { return .finished(batch) }
                if let reports = state.takeReports() { return .reported(reports, unfinished: state.unfinishedByStep) }
                return state.isOver ? .end : nil
            }
            switch event {
            case .finished(let batch):
                if publish(batch, counting: &meter, disk: &disk, progress: progress) { executor.published(batch.map(\.node)) }
            case .reported(let reports, let unfinished): show(unfinished, reports, of: &meter, progress: progress)
            case .end: return
            }
        }
    }

    /// - Returns: whether it succeeded.
    private func publish(
        _ finished: [RunState.Finished], counting meter: inout RunMeter, disk: inout SpentArtifacts,
        progress: (RunProgress) -> Void
    ) -> Bool {
        let batch = checkingSources(of: finished)
        do {
            try store.commit(batch.flatMap(\.staged))
            try catalog.results.record(batch.map(\.outcome), runID: runID)
        } catch {
            for artifact in batch.flatMap(\.staged) { store.discard(artifact) }
            stop(because: error)
            state.update { $0.endPublishing() }
            return false
        }
        // A folder that cannot be removed does no harm, and `gc` tries again.
        for workspace in batch.compactMap(\.workspace) { try? FileManager.default.removeItem(atPath: workspace) }
        let (unfinished, reports) = state.update { state in
            for item in batch {
                for node in state.published(item) {
                    let reason = "\(self.graph.steps[item.node.step].name) of \(self.name(of: item.node)) failed"
                    state.skip(
                        RunState.Finished(
                            node: node, outcome: self.skipped(node, because: reason), isRestore: state.isRestore(node)))
                }
            }
            state.endPublishing()
            return (state.unfinishedByStep, state.latestReports)
        }
        do {
            disk.add(byteCount: batch.flatMap(\.staged).reduce(0) { $0 + $1.byteCount })
            try dropExcess(of: &disk, adding: state.read { $0.spent(by: batch.map(\.node)) })
        } catch {
            stop(because: error)
            return false
        }
        for item in batch { meter.count(item, step: graph.steps[item.node.step].name, scope: name(of: item.node)) }
        show(unfinished, reports, of: &meter, progress: progress)
        return true
    }

    /// Drops what nobody reads any more while the catalog takes more than the recipe allows.
    private func dropExcess(of disk: inout SpentArtifacts, adding spent: [Digest]) throws {
        if !spent.isEmpty { disk.add(try catalog.results.evictableBytes(of: spent)) }
        // In one step: an item that begins meanwhile either keeps the bytes that it reads, or sends for them.
        let excess = state.update { state in
            let excess = disk.takeExcess(where: state.isSpent)
            state.drop(excess)
            return excess
        }
        guard !excess.isEmpty else { return }
        // The rows first: a row without its file would be trusted, a file without its row is only a stray.
        try catalog.results.setState(.evicted, of: excess)
        try store.remove(excess)
    }

    /// Turns items into failures that read a file which is no longer the one that was planned with. Each file is checked once for a batch, after the
    /// items of the batch ended.
    private func checkingSources(of batch: [RunState.Finished]) -> [RunState.Finished] {
        var failures: [Int: EngineError] = [:]
        for position in Set(batch.flatMap(\.sources)) {
            do throws(EngineError) { try checkSource(at: position) } catch { failures[position] = error }
        }
        guard !failures.isEmpty else { return batch }
        return batch.map { item in
            guard let error = item.sources.lazy.compactMap({ failures[$0] }).first, case .done(let completed) = item.outcome
            else {
                return item
            }
            for artifact in item.staged { store.discard(artifact) }
            return RunState.Finished(
                node: item.node,
                outcome: .trouble(
                    ItemOutcome.Trouble(
                        stepID: completed.stepID, scopeID: completed.scopeID, configurationID: completed.configurationID,
                        status: .failed, key: completed.key, startedAt: completed.startedAt, seconds: completed.seconds,
                        error: "\(error)", place: completed.place)),
                isRestore: item.isRestore)
        }
    }

    private func show(
        _ unfinished: [Int], _ reports: [ItemNode: ItemReport], of meter: inout RunMeter, progress: (RunProgress) -> Void
    ) {
        guard meter.isDue else { return }
        meter.update(unfinishedByStep: unfinished, reports: reports)
        progress(meter.progress)
    }

    /// Ends the run because of an error that is not of an item. Items in progress are asked to stop, since their results could not be published.
    func stop(because error: any Error) {
        fatal.withLock { if $0 == nil { $0 = error } }
        cancellation.cancel()
        state.update { $0.isStopping = true }
    }

    /// Whether an error stopped the run: what was computed may not be published any more.
    var hasFailed: Bool { fatal.withLock { $0 != nil } }

    private func skipped(_ node: ItemNode, because reason: String) -> ItemOutcome {
        .trouble(
            ItemOutcome.Trouble(
                stepID: ids[node.step].stepID, scopeID: scopes.id(of: graph.scope(of: node)),
                configurationID: ids[node.step].configurationID, status: .skipped, key: nil, startedAt: Timestamp.now, seconds: 0,
                error: reason))
    }

    private func name(of node: ItemNode) -> String {
        let scope = graph.scope(of: node)
        let (owner, label) = (scopes.owner(of: scope), scopes.label(of: scope))
        return label.isEmpty ? owner : "\(owner), \(label)"
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
