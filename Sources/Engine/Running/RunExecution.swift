import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation
import Synchronization
import Volumes

/// A run in progress: worker threads compute items, and the calling thread publishes their results.
final class RunExecution: Sendable {
    /// The most finished items that wait to be published before workers wait. Each holds only rows and paths in memory.
    private static let backlogLimit = 512

    let catalog: Catalog
    private let store: BlobStore
    private let runID: Int64
    private let ids: [(stepID: Int64, configurationID: Int64)]
    private let options: Runner.Options
    private let cancellation: Cancellation
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
    private let summaries: [Plan.StepSummary]

    init(
        plan: Plan, catalog: Catalog, store: BlobStore, runID: Int64, ids: [(stepID: Int64, configurationID: Int64)],
        options: Runner.Options, cancellation: Cancellation
    ) {
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
        // Large stacks: numeric code keeps small arrays on the stack.
        let workers = try WorkerThreads(count: options.jobs, stackSize: 8 << 20) { self.work() }
        publish(counting: &meter, progress: progress)
        workers.join()
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

    private func publish(counting meter: inout RunMeter, progress: (RunProgress) -> Void) {
        while true {
            let event: Event = state.wait { state in
                if self.cancellation.isCancelled { state.isStopping = true }
                if let batch = state.takeFinished() { return .finished(batch) }
                if let reports = state.takeReports() { return .reported(reports, unfinished: state.unfinishedByStep) }
                return state.isOver ? .end : nil
            }
            switch event {
            case .finished(let batch): publish(batch, counting: &meter, progress: progress)
            case .reported(let reports, let unfinished): show(unfinished, reports, of: &meter, progress: progress)
            case .end: return
            }
        }
    }

    private func publish(
        _ finished: [RunState.Finished], counting meter: inout RunMeter, progress: (RunProgress) -> Void
    ) {
        let batch = checkingSources(of: finished)
        do {
            try store.commit(batch.flatMap(\.staged))
            try catalog.results.record(batch.map(\.outcome), runID: runID)
        } catch {
            for artifact in batch.flatMap(\.staged) { store.discard(artifact) }
            stop(because: error)
            return state.update { $0.endPublishing() }
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
        for item in batch { meter.count(item, step: graph.steps[item.node.step].name, scope: name(of: item.node)) }
        show(unfinished, reports, of: &meter, progress: progress)
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
                        error: "\(error)")),
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
    private func stop(because error: any Error) {
        fatal.withLock { if $0 == nil { $0 = error } }
        cancellation.cancel()
        state.update { $0.isStopping = true }
    }

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

    // MARK: Working, on worker threads

    private enum Next {
        case item(ItemNode)
        case end
    }

    private func work() {
        while true {
            let next: Next = state.wait { state in
                if self.cancellation.isCancelled { state.isStopping = true }
                if state.finished.count < Self.backlogLimit, let node = state.takeReady() { return .item(node) }
                return state.isOver || state.isStopping ? .end : nil
            }
            guard case .item(let node) = next else { return }
            do {
                guard let finished = try work(on: node) else { continue }
                state.update { state in
                    state.finish(finished)
                    if self.options.failsFast, case .trouble = finished.outcome { state.isStopping = true }
                }
            } catch {
                state.update { $0.abandon(node) }
                if (error as? EngineError)?.code != .cancelled { stop(because: error) }
            }
        }
    }

    /// Works on one item: finds an earlier result with its key, or computes it.
    ///
    /// - Returns: nil where it has to wait: for evicted bytes, or for an item with the same key.
    /// - Throws: an error that stops the whole run.
    private func work(on node: ItemNode) throws -> RunState.Finished? {
        let setup = setups[node.step]
        let scope = itemScope(graph.scope(of: node))
        let begin = ContinuousClock.now
        let startedAt = Timestamp.now
        let (inputs, isRestore) = state.read { ($0.inputs(of: node), $0.isRestore(node)) }
        var key: Digest?
        do {
            guard let inputs else { throw missingFile(of: node) }
            let itemKey = setup.key(inputs: inputs.digests)
            key = itemKey
            guard state.update({ $0.claim(itemKey, for: node) }) else { return nil }
            if !state.read({ $0.needsBytes(node) }),
                let trace = try catalog.results.withPlanningSnapshot({ try $0.trace(withKey: itemKey) }),
                trace.outputs.count == setup.outputNames.count
            {
                return RunState.Finished(
                    node: node,
                    outcome: .foundAgain(stepID: ids[node.step].stepID, scopeID: scope.id, key: itemKey, trace: trace),
                    isRestore: isRestore)
            }
            if setup.step.readsFile, scopes.isSourceMissing(of: graph.scope(of: node), signatures: signatures) {
                throw missingFile(of: node)
            }
            if state.update({ $0.sendForEvictedInputs(of: node, key: itemKey) }) { return nil }
            let item = StepItem(
                scope: scope, key: itemKey, setup: setup, reader: self, recorder: recorder(of: node, key: itemKey), store: store,
                volumes: volumes, cancellation: cancellation, prefersLittleMemory: options.prefersLittleMemory)
            do {
                try setup.step.run(item)
                try item.checkComplete()
            } catch {
                for artifact in item.staged { store.discard(artifact) }
                // If a file was replaced while it was read, report that instead of the error it led to.
                for position in positions(of: item.sources) { try checkSource(at: position) }
                throw error
            }
            return RunState.Finished(
                node: node,
                outcome: .done(
                    ItemOutcome.Completed(
                        stepID: ids[node.step].stepID, scopeID: scope.id, configurationID: ids[node.step].configurationID,
                        key: itemKey, startedAt: startedAt, seconds: (ContinuousClock.now - begin).inSeconds,
                        inputs: inputs.rows, members: inputs.members, outputs: item.outputs, metrics: item.metrics,
                        objects: item.objects)),
                staged: item.staged, isRestore: isRestore, sources: positions(of: item.sources),
                workspace: FileManager.default.fileExists(atPath: item.workspacePath) ? item.workspacePath : nil)
        } catch {
            if (error as? BlobError)?.code == .diskFull || (error as? EngineError)?.code == .cancelled || error is CatalogError {
                throw error
            }
            return RunState.Finished(
                node: node,
                outcome: .trouble(
                    ItemOutcome.Trouble(
                        stepID: ids[node.step].stepID, scopeID: scope.id, configurationID: ids[node.step].configurationID,
                        status: .failed, key: key, startedAt: startedAt, seconds: (ContinuousClock.now - begin).inSeconds,
                        error: "\(error)")),
                isRestore: isRestore)
        }
    }

    /// A scope as steps see it.
    func itemScope(_ scope: Scope) -> StepItem.Scope {
        let tomogram = scopes.tomogram(of: scope).map { scopes.tomograms[$0] }
        let z = scope.kind == .slab || scope.kind == .slice ? scopes.part(of: scope)?.z : nil
        return StepItem.Scope(
            kind: scope.kind, id: scopes.id(of: scope), tomogram: scopes.owner(of: scope), tomogramID: tomogram?.id,
            location: tomogram?.location, z: z.map { Int($0.lowerBound)..<Int($0.upperBound) }, label: scopes.label(of: scope))
    }

    private func recorder(of node: ItemNode, key: Digest) -> ItemRecorder {
        let owner = Catalog.CurveOwner(
            stepID: ids[node.step].stepID, scopeID: scopes.id(of: graph.scope(of: node)), key: key,
            runID: runID)
        return ItemRecorder(
            workFolder: catalog.directory.work,
            log: { [catalog] name, x, value in try catalog.results.log(name, at: x, value, for: owner) },
            report: { [state] fraction, note in state.update { $0.report(fraction, note, on: node) } })
    }

    private func missingFile(of node: ItemNode) -> EngineError {
        let tomograms =
            scopes.tomogram(of: graph.scope(of: node)).map { [$0] } ?? scopes.factMembers(of: .source).map(\.position)
        let missing = tomograms.first { signatures[$0] == nil } ?? tomograms.first
        let file = missing.map { "the file \(scopes.tomograms[$0].location)" } ?? "the file of a tomogram"
        return EngineError(.source, "\(file) is not there; put it back or add the tomogram again")
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
