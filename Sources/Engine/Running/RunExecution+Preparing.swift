import Basics
import BlobStore
import Catalog
import CatalogSchema
import Foundation

/// Preparing items before they are computed, and taking them back afterwards; on the threads of executors.
extension RunExecution {
    private enum Next {
        case item(ItemNode)
        case end
    }

    private enum Preparation {
        case ready(PreparedItem)
        /// It ended without being computed: it was found again, or cannot be computed.
        case ended(RunState.Finished)
        /// It waits for evicted bytes, or for an item with the same key.
        case waits
    }

    /// Waits for the next item to compute; nil where none will come.
    ///
    /// - Parameter isTaken: the steps whose items are taken; others are left to other threads.
    func next(of isTaken: (_ step: Int) -> Bool = { _ in true }) -> PreparedItem? {
        while true {
            let next: Next = state.wait { state in
                if self.cancellation.isCancelled { state.isStopping = true }
                if state.finished.count < Self.backlogLimit, let node = state.takeReady(of: isTaken) { return .item(node) }
                return state.isOver || state.isStopping ? .end : nil
            }
            guard case .item(let node) = next else { return nil }
            if let item = prepareOrEnd(node) { return item }
        }
    }

    /// The items that are ready now, without waiting.
    ///
    /// - Parameters:
    ///   - limit: the most that are returned.
    ///   - isTaken: as ``next(of:)``.
    func take(upTo limit: Int, of isTaken: (_ step: Int) -> Bool) -> [PreparedItem] {
        var items: [PreparedItem] = []
        while items.count < limit {
            let node: ItemNode? = state.update { state in
                if self.cancellation.isCancelled { state.isStopping = true }
                return state.finished.count < Self.backlogLimit ? state.takeReady(of: isTaken) : nil
            }
            guard let node else { break }
            if let item = prepareOrEnd(node) { items.append(item) }
        }
        return items
    }

    private func prepareOrEnd(_ node: ItemNode) -> PreparedItem? {
        do {
            switch try prepare(node) {
            case .ready(let item): return item
            case .ended(let finished): end(finished)
            case .waits: break
            }
        } catch {
            abandon(node, because: error)
        }
        return nil
    }

    /// Finds an earlier result with the key of an item, or all that it is computed from.
    ///
    /// - Throws: an error that stops the whole run.
    private func prepare(_ node: ItemNode) throws -> Preparation {
        let setup = setups[node.step]
        let scope = itemScope(graph.scope(of: node))
        let startedAt = Timestamp.now
        let (inputs, isRestore) = state.read { ($0.inputs(of: node), $0.isRestore(node)) }
        guard let inputs else {
            return .ended(failed(node, key: nil, startedAt: startedAt, isRestore: isRestore, "\(missingFile(of: node))"))
        }
        let key = setup.key(inputs: inputs.digests)
        guard state.update({ $0.claim(key, for: node) }) else { return .waits }
        if !state.read({ $0.needsBytes(node) }),
            let trace = try catalog.results.withPlanningSnapshot({ try $0.trace(withKey: key) }),
            trace.outputs.count == setup.outputNames.count
        {
            return .ended(
                RunState.Finished(
                    node: node, outcome: .foundAgain(stepID: ids[node.step].stepID, scopeID: scope.id, key: key, trace: trace),
                    isRestore: isRestore))
        }
        if setup.step.readsFile, scopes.isSourceMissing(of: graph.scope(of: node), signatures: signatures) {
            return .ended(failed(node, key: key, startedAt: startedAt, isRestore: isRestore, "\(missingFile(of: node))"))
        }
        if state.update({ $0.sendForEvictedInputs(of: node, key: key) }) { return .waits }
        return .ready(PreparedItem(node: node, scope: scope, key: key, inputs: inputs, isRestore: isRestore))
    }

    /// Takes back an item that was computed, to be published.
    func finish(_ item: PreparedItem, with computed: ComputedItem) {
        let (stepID, configurationID) = ids[item.node.step]
        switch computed.outcome {
        case .failed(let error, let log):
            end(
                failed(
                    item.node, key: item.key, startedAt: computed.startedAt, seconds: computed.seconds, isRestore: item.isRestore,
                    error, place: computed.place, log: log))
        case .done(let result):
            let workspace = StepItem.workspacePath(of: item.key, in: catalog.directory.work)
            end(
                RunState.Finished(
                    node: item.node,
                    outcome: .done(
                        ItemOutcome.Completed(
                            stepID: stepID, scopeID: item.scope.id, configurationID: configurationID, key: item.key,
                            startedAt: computed.startedAt, seconds: computed.seconds, inputs: item.inputs.rows,
                            members: item.inputs.members, outputs: result.outputs, metrics: result.metrics,
                            objects: result.objects, place: computed.place)),
                    staged: result.staged, isRestore: item.isRestore,
                    sources: result.sources.compactMap(scopes.tomogramPosition).sorted(),
                    workspace: FileManager.default.fileExists(atPath: workspace) ? workspace : nil))
        }
    }

    /// Waits until there is room for items that ended and are not published.
    func waitForBacklog() { state.wait { $0.finished.count < Self.backlogLimit ? () : nil } }

    /// Gives back an item that will not be computed in this run.
    ///
    /// - Parameter error: the error that stops the run; nil, or a cancellation, where it stops anyway.
    func abandon(_ node: ItemNode, because error: (any Error)?) {
        state.update { $0.abandon(node) }
        guard let error, (error as? EngineError)?.code != .cancelled else { return }
        stop(because: error)
    }

    private func end(_ finished: RunState.Finished) {
        state.update { state in
            state.finish(finished)
            if self.options.failsFast, case .trouble = finished.outcome { state.isStopping = true }
        }
    }

    private func failed(
        _ node: ItemNode, key: Digest?, startedAt: String, seconds: Double = 0, isRestore: Bool, _ error: String,
        place: ItemOutcome.Place = ItemOutcome.Place(), log: String? = nil
    ) -> RunState.Finished {
        let (stepID, configurationID) = ids[node.step]
        return RunState.Finished(
            node: node,
            outcome: .trouble(
                ItemOutcome.Trouble(
                    stepID: stepID, scopeID: scopes.id(of: graph.scope(of: node)), configurationID: configurationID,
                    status: .failed, key: key, startedAt: startedAt, seconds: seconds, error: error, place: place,
                    log: log)),
            isRestore: isRestore)
    }

    /// A scope as steps see it.
    func itemScope(_ scope: Scope) -> StepItem.Scope {
        let tomogram = scopes.tomogram(of: scope).map { scopes.tomograms[$0] }
        let z = scope.kind == .slab || scope.kind == .slice ? scopes.part(of: scope)?.z : nil
        return StepItem.Scope(
            kind: scope.kind, id: scopes.id(of: scope), tomogram: scopes.owner(of: scope), tomogramID: tomogram?.id,
            location: tomogram?.location, z: z.map { Int($0.lowerBound)..<Int($0.upperBound) }, label: scopes.label(of: scope))
    }

    /// The item to which the points of a curve belong.
    func curveOwner(of item: PreparedItem) -> Catalog.CurveOwner {
        Catalog.CurveOwner(stepID: ids[item.node.step].stepID, scopeID: item.scope.id, key: item.key, runID: runID)
    }

    private func missingFile(of node: ItemNode) -> EngineError {
        let tomograms =
            scopes.tomogram(of: graph.scope(of: node)).map { [$0] } ?? scopes.factMembers(of: .source).map(\.position)
        let missing = tomograms.first { signatures[$0] == nil } ?? tomograms.first
        let file = missing.map { "the file \(scopes.tomograms[$0].location)" } ?? "the file of a tomogram"
        return EngineError(.source, "\(file) is not there; put it back or add the tomogram again")
    }
}
