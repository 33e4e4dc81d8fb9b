import BlobStore
import Catalog
import CatalogSchema
import Foundation
import Synchronization
import Volumes

/// One run at work: threads that work on items, and the calling thread, which publishes what they give.
final class RunExecution: Sendable {
    /// How many finished items may wait to be published before workers wait: each holds no more than rows and paths.
    private static let backlogLimit = 512

    private let catalog: Catalog
    private let store: BlobStore
    private let runID: Int64
    private let ids: [(stepID: Int64, configurationID: Int64)]
    private let options: Runner.Options
    private let cancellation: Cancellation
    private let graph: StepGraph
    private let setups: [StepSetup]
    private let scopes: ScopeIndex
    private let signatures: [SourceSignature?]
    private let adoptions: [(step: Int, position: Int, key: Digest, trace: KnownTrace)]
    private let stepIndex: [String: Int]
    private let volumes: VolumeCache
    private let state: Monitor<RunState>
    /// The error that stopped the run: not an item's, but one of the disk or the catalog.
    private let fatal = Mutex<(any Error)?>(nil)
    private let meter: Mutex<RunMeter>

    init(
        plan: Plan, catalog: Catalog, store: BlobStore, runID: Int64, ids: [(stepID: Int64, configurationID: Int64)],
        options: Runner.Options, cancellation: Cancellation
    ) {
        self.catalog = catalog
        self.store = store
        self.runID = runID
        self.ids = ids
        self.options = options
        self.cancellation = cancellation
        graph = plan.graph
        setups = plan.setups
        scopes = plan.scopes
        signatures = plan.signatures
        adoptions = plan.adoptions
        stepIndex = Dictionary(uniqueKeysWithValues: plan.graph.steps.enumerated().map { ($1.name, $0) })
        volumes = VolumeCache(capacity: options.jobs + 2)
        let state = RunState(plan)
        meter = Mutex(
            RunMeter(
                unfinished: state.unfinished, adopted: plan.adoptions.count, jobs: options.jobs, summaries: plan.summaries))
        self.state = Monitor(state)
    }

    func run(progress: (RunProgress) -> Void) throws -> RunReport {
        for batch in stride(from: 0, to: adoptions.count, by: 1000) {
            try catalog.publish(
                adoptions[batch..<min(batch + 1000, adoptions.count)].map { item in
                    .adopted(
                        stepID: ids[item.step].stepID, scopeID: scopes.id(of: graph.steps[item.step].scope, at: item.position),
                        key: item.key, trace: item.trace)
                }, runID: runID)
        }
        let ends = DispatchSemaphore(value: 0)
        for number in 0..<options.jobs {
            let thread = Thread {
                self.work()
                ends.signal()
            }
            thread.name = "cellar worker \(number)"
            // Numeric code keeps small arrays on the stack.
            thread.stackSize = 8 << 20
            thread.start()
        }
        publish(progress: progress)
        for _ in 0..<options.jobs { ends.wait() }
        if let error = fatal.withLock({ $0 }) { throw error }
        return meter.withLock { meter in
            meter.update(unfinishedByStep: nil)
            progress(meter.progress)
            return RunReport(
                runID: runID, progress: meter.progress, wasStopped: meter.progress.finished < meter.progress.total,
                failures: meter.failures)
        }
    }

    // MARK: Publishing, on the calling thread

    private func publish(progress: (RunProgress) -> Void) {
        while true {
            let batch: [RunState.Finished] = state.wait { state in
                if self.cancellation.isCancelled { state.isStopping = true }
                return state.takeFinished() ?? (state.isOver ? [] : nil)
            }
            if batch.isEmpty { return }
            do {
                try store.publish(batch.flatMap(\.staged))
                try catalog.publish(batch.map(\.outcome), runID: runID)
            } catch {
                for artifact in batch.flatMap(\.staged) { store.discard(artifact) }
                stop(because: error)
                state.update { $0.endPublishing() }
                continue
            }
            let unfinished = state.update { state in
                for item in batch {
                    for node in state.published(item) {
                        state.skip(
                            RunState.Finished(
                                node: node, outcome: self.skipped(node, because: item.node), isRestore: state.isRestore(node)))
                    }
                }
                state.endPublishing()
                return state.unfinishedByStep
            }
            meter.withLock { meter in
                for item in batch { meter.count(item, step: graph.steps[item.node.step].name, scope: name(of: item.node)) }
                if meter.isDue {
                    meter.update(unfinishedByStep: unfinished)
                    progress(meter.progress)
                }
            }
        }
    }

    /// Ends the run because of something that is no item's fault.
    private func stop(because error: any Error) {
        fatal.withLock { if $0 == nil { $0 = error } }
        state.update { $0.isStopping = true }
    }

    private func skipped(_ node: ItemNode, because cause: ItemNode) -> ItemOutcome {
        .trouble(
            ItemOutcome.Trouble(
                stepID: ids[node.step].stepID, scopeID: scopes.id(of: graph.steps[node.step].scope, at: node.position),
                configurationID: ids[node.step].configurationID, status: .skipped, key: nil, startedAt: Timestamp.now, seconds: 0,
                error: "\(graph.steps[cause.step].name) of \(name(of: cause)) failed"))
    }

    private func name(of node: ItemNode) -> String {
        let kind = graph.steps[node.step].scope
        let label = scopes.label(of: kind, at: node.position)
        let tomogram = scopes.tomograms[scopes.tomogram(of: kind, at: node.position)].name
        return label.isEmpty ? tomogram : "\(tomogram), \(label)"
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
                state.update { $0.abandon() }
                if (error as? EngineError)?.code != .cancelled { stop(because: error) }
            }
        }
    }

    /// Works on one item: finds an earlier result with its key, or computes it.
    ///
    /// - Returns: nil where it has to wait: for bytes that were dropped, or for an item of the same key.
    /// - Throws: what stops the whole run.
    private func work(on node: ItemNode) throws -> RunState.Finished? {
        let setup = setups[node.step]
        let scope = itemScope(node)
        let begin = ContinuousClock.now
        let startedAt = Timestamp.now
        let (inputs, isRestore) = state.update { ($0.inputs(of: node), $0.isRestore(node)) }
        var key: Digest?
        do {
            guard let inputs else {
                throw EngineError(.source, "the file \(scope.location) is not there; put it back or add the tomogram again")
            }
            let itemKey = setup.key(inputs: inputs.digests)
            key = itemKey
            guard state.update({ $0.claim(itemKey, for: node) }) else { return nil }
            if !state.update({ $0.needsBytes(node) }),
                let trace = try catalog.read({ try PlanningSnapshot($0).trace(withKey: itemKey) }),
                trace.outputs.count == setup.outputNames.count
            {
                return RunState.Finished(
                    node: node,
                    outcome: .adopted(stepID: ids[node.step].stepID, scopeID: scope.id, key: itemKey, trace: trace),
                    isRestore: isRestore)
            }
            if state.update({ $0.sendForEvictedInputs(of: node, key: itemKey) }) { return nil }
            let item = StepItem(
                scope: scope, setup: setup, reader: self, store: store, volumes: volumes, cancellation: cancellation,
                prefersLittleMemory: options.prefersLittleMemory)
            do {
                try setup.step.run(item)
                try item.checkComplete()
                if item.hasOpenedSource || setup.step.inputs.contains(.fact(.source)) { try checkSource(of: scope) }
            } catch {
                for artifact in item.staged { store.discard(artifact) }
                throw error
            }
            return RunState.Finished(
                node: node,
                outcome: .done(
                    ItemOutcome.Completed(
                        stepID: ids[node.step].stepID, scopeID: scope.id, configurationID: ids[node.step].configurationID,
                        key: itemKey, startedAt: startedAt, seconds: (ContinuousClock.now - begin).inSeconds,
                        inputs: inputs.rows, outputs: item.outputs, metrics: item.metrics, objects: item.objects)),
                staged: item.staged, isRestore: isRestore)
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

    private func itemScope(_ node: ItemNode) -> StepItem.Scope {
        let kind = graph.steps[node.step].scope
        let tomogram = scopes.tomograms[scopes.tomogram(of: kind, at: node.position)]
        let z = kind == .slab || kind == .slice ? scopes.part(of: kind, at: node.position)?.z : nil
        return StepItem.Scope(
            kind: kind, id: scopes.id(of: kind, at: node.position), tomogram: tomogram.name, tomogramID: tomogram.id,
            location: tomogram.location, z: z.map { Int($0.lowerBound)..<Int($0.upperBound) },
            label: scopes.label(of: kind, at: node.position))
    }
}

extension RunExecution: ItemReader {
    func checkSource(of scope: StepItem.Scope) throws {
        guard let position = scopes.tomogramPosition(ofID: scope.tomogramID), let planned = signatures[position] else {
            throw EngineError(.source, "the file \(scope.location) is not there; put it back or add the tomogram again")
        }
        guard SourceSignature(scope.location) == planned else {
            volumes.close(scope.location)
            throw EngineError(.source, "the file \(scope.location) changed during the run; run again")
        }
    }

    func declaredVoxelSize(of scope: StepItem.Scope) throws -> PlanningSnapshot.DeclaredVoxelSize {
        guard let position = scopes.tomogramPosition(ofID: scope.tomogramID) else {
            throw EngineError(.brokenPromise, "there is no tomogram \(scope.tomogramID) in this run")
        }
        return scopes.tomograms[position].declaredVoxelSize
    }

    func value(of step: String, named name: String, for scope: StepItem.Scope) throws -> String {
        let given = try given(by: step, named: name, for: scope)
        guard let only = given.first, given.count == 1,
            let value = try catalog.standingValue(step: step, scopeID: only.scope.id, output: name), value.digest == only.digest
        else { throw EngineError(.brokenPromise, "\(step).\(name) has no value for \(scope.tomogram) \(scope.label)") }
        return value.text
    }

    func artifacts(
        of step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)] {
        try given(by: step, named: name, for: scope)
    }

    private func given(
        by step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)] {
        guard let producer = stepIndex[step], let output = setups[producer].outputNames.firstIndex(of: name),
            let position = scopes.position(of: scope.kind, id: scope.id, tomogramID: scope.tomogramID)
        else { throw EngineError(.brokenPromise, "no step gives \(step).\(name)") }
        let kind = graph.steps[producer].scope
        var positions: [Int] = []
        scopes.forEachRelated(to: scope.kind, at: position, of: kind) { positions.append($0) }
        let width = setups[producer].outputNames.count
        let digests = state.update { state in positions.map { state.outputs[producer][$0 * width + output] } }
        return zip(positions, digests).map { (itemScope(ItemNode(step: producer, position: $0)), $1) }
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
