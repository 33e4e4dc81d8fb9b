public import Basics
public import Catalog
import CatalogSchema
import Dispatch
internal import Volumes

/// Makes plans: reads the catalog once, in one snapshot, and decides about all items in one pass in memory, in the order of the steps.
public struct Planner: Sendable {
    private let catalog: Catalog
    private let graph: StepGraph
    private let recipe: Recipe

    public init(_ catalog: Catalog, graph: StepGraph, recipe: Recipe) {
        self.catalog = catalog
        self.graph = graph
        self.recipe = recipe
    }

    /// Compares the key of every item with the keys of the results that stand.
    ///
    /// - Parameter selection: the ids of the tomograms; nil for all.
    /// - Throws: ``EngineError`` where the recipe names a model that the catalog does not have, ``CatalogError`` where the catalog
    ///   cannot be read.
    /// - Complexity: linear in the number of items; one stat(2) for each tomogram; no file is opened.
    public func plan(selection: [Int64]? = nil) throws -> Plan { try plan(selection: selection, lookingFor: []) }

    /// Those of some keys under which a run would compute an item now.
    ///
    /// - Parameter keys: for example those of items that were interrupted.
    public func continuedKeys(among keys: Set<Digest>) throws -> Set<Digest> {
        keys.isEmpty ? [] : try plan(selection: nil, lookingFor: keys).continuedKeys
    }

    /// Makes a plan for one tomogram, in which its items have the same states as in the plan of all tomograms. It includes the tomograms of the
    /// training set, where steps read from it.
    func plan(aroundTomogram id: Int64) throws -> Plan {
        guard graph.needsTrainingSet else { return try plan(selection: [id]) }
        let members = try catalog.results.withPlanningSnapshot { try $0.currentTrainingSet()?.tomograms ?? [] }
        return try plan(selection: members.union([id]).sorted())
    }

    private func plan(selection: [Int64]?, lookingFor wanted: Set<Digest>) throws -> Plan {
        let models = try catalog.collection.models()
        return try catalog.results.withPlanningSnapshot { snapshot in
            let training = graph.needsTrainingSet ? try snapshot.currentTrainingSet() : nil
            let adapted = try self.graph.adapted(to: recipe)
            let (trainable, omitted) = training == nil ? try adapted.withoutTraining() : (adapted, [])
            let curation = trainable.readsCuration ? try snapshot.curation(ofTomograms: training?.tomograms ?? []) : [:]
            let graph = curation.isEmpty ? try trainable.withoutCuration() : trainable
            let setups = try graph.steps.map { step throws(EngineError) in
                try StepSetup(step, recipe: recipe, models: models)
            }
            let scopes = try ScopeIndex(
                snapshot, selection: selection, kinds: graph.scopeKinds, training: training, curation: curation)
            let signatures =
                graph.readsFiles
                ? SourceSignature.all(of: scopes.tomograms.map(\.location))
                : [SourceSignature?](repeating: nil, count: scopes.tomograms.count)
            let stepIDs = try snapshot.stepIDs()
            let evicted = try snapshot.evictedArtifacts()
            var pass = PlanningPass(
                graph: graph, setups: setups, scopes: scopes, signatures: signatures, evicted: evicted, wanted: wanted)
            for position in graph.steps.indices {
                try pass.plan(step: position, stepID: stepIDs[graph.steps[position].name], snapshot)
            }
            var plan = Plan(
                graph: graph, setups: setups, scopes: scopes, signatures: signatures, states: pass.states,
                outputs: pass.outputs, foundAgain: pass.foundAgain, evicted: evicted, stepsWithoutTrainingSet: omitted,
                continuedKeys: pass.continuedKeys, summaries: [])
            plan.summaries = try summaries(of: plan, stepIDs: stepIDs, snapshot)
            return plan
        }
    }

    private func summaries(
        of plan: Plan, stepIDs: [String: Int64], _ snapshot: PlanningSnapshot
    ) throws -> [Plan.StepSummary] {
        let troubles = try snapshot.troubles()
        let restores = plan.restores()
        let graph = plan.graph
        return try graph.steps.indices.map { position in
            let step = graph.steps[position]
            var summary = Plan.StepSummary(step: step.name, scope: step.scope)
            for state in plan.states[position] {
                switch state {
                case .fresh: summary.fresh += 1
                case .foundAgain: summary.foundAgain += 1
                case .stale: summary.stale += 1
                case .waiting: summary.waiting += 1
                case .offline: summary.offline += 1
                case .blocked: summary.blocked += 1
                // The items of these steps are not planned.
                case .held, .absent: break
                }
            }
            summary.restore = restores[position].count
            if let failed = troubles[step.name] {
                // An item whose file and parameters are as before has a result, whatever failed in the meantime.
                let ids = Set(
                    plan.states[position].indices.filter { ![.fresh, .foundAgain].contains(plan.states[position][$0]) }
                        .map { plan.scopes.id(of: Scope(step.scope, $0)) })
                summary.failed = failed.count { ids.contains($0.scopeID) }
            }
            let count = Double(summary.stale + summary.waiting + summary.restore)
            if count > 0, let id = stepIDs[step.name], let cost = try snapshot.costs(ofStep: id) {
                summary.estimatedSeconds = count * cost.seconds
                summary.estimatedBytes = count * cost.bytes
                summary.recordedMemoryBytes = cost.memoryBytes
            }
            return summary
        }
    }
}

/// The pass over the steps: the outputs of earlier steps decide about the items of later ones.
private struct PlanningPass {
    let graph: StepGraph
    let setups: [StepSetup]
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]
    let evicted: Set<Digest>
    /// The keys of which the caller asks whether an item will run under them.
    let wanted: Set<Digest>
    private(set) var continuedKeys: Set<Digest> = []
    private(set) var states: [[ItemState]] = []
    private(set) var outputs: [[Digest]] = []
    private(set) var foundAgain: [(item: ItemNode, key: Digest, trace: KnownTrace)] = []
    private var isAnyAbsent = false

    init(
        graph: StepGraph, setups: [StepSetup], scopes: ScopeIndex, signatures: [SourceSignature?], evicted: Set<Digest>,
        wanted: Set<Digest>
    ) {
        self.graph = graph
        self.setups = setups
        self.scopes = scopes
        self.signatures = signatures
        self.evicted = evicted
        self.wanted = wanted
    }

    mutating func plan(step: Int, stepID: Int64?, _ snapshot: PlanningSnapshot) throws {
        let setup = setups[step]
        let kind = setup.step.scope
        let count = scopes.count(of: kind)
        let width = setup.outputNames.count
        var heads = Heads(count: count, width: width)
        if let stepID { try heads.load(snapshot, stepID: stepID, scopes: scopes, kind: kind) }

        if kind == .trainingSet, scopes.training?.isHeld == true { return hold(heads) }

        let inputs = ItemInputs(graph: graph, scopes: scopes, signatures: signatures)
        let (earlierStates, earlierOutputs) = (states, outputs)
        // The keys of items whose inputs are known; nil for items that wait for others.
        let chunk = 1024
        let keys = [Digest?](unsafeUninitializedCapacity: count) { buffer, initialized in
            nonisolated(unsafe) let keys = buffer
            DispatchQueue.concurrentPerform(iterations: (count + chunk - 1) / chunk) { index in
                var digests = KeyInputs()
                for position in index * chunk..<min((index + 1) * chunk, count) {
                    digests.removeAll()
                    let isKnown = inputs.collect(
                        of: ItemNode(step: step, position: position), outputs: earlierOutputs,
                        isKnown: { earlierStates[$0.step][$0.position].hasOutputs }, into: &digests)
                    keys.initializeElement(at: position, to: isKnown ? setup.key(inputs: digests.digests) : nil)
                }
            }
            initialized = count
        }
        let readsFile = setup.step.readsFile
        var stepStates = [ItemState](repeating: .stale, count: count)
        for position in 0..<count {
            let isOffline = readsFile && scopes.isSourceMissing(of: Scope(kind, position), signatures: signatures)
            if let key = keys[position] {
                if heads.keys[position] == key {
                    stepStates[position] = .fresh
                } else if let trace = try snapshot.trace(withKey: key), trace.outputs.count == width {
                    stepStates[position] = .foundAgain
                    for (offset, digest) in trace.outputs.enumerated() { heads.outputs[position * width + offset] = digest }
                    foundAgain.append((ItemNode(step: step, position: position), key, trace))
                } else {
                    if isOffline, heads.keys[position] != nil { stepStates[position] = .offline }
                    if !wanted.isEmpty, wanted.contains(key) { continuedKeys.insert(key) }
                }
            } else if isAnyAbsent, inputs.isBlocked(ItemNode(step: step, position: position), states: states) {
                stepStates[position] = .blocked
            } else if isOffline {
                stepStates[position] = heads.keys[position] == nil ? .stale : .offline
            } else {
                stepStates[position] = .waiting
            }
        }
        states.append(stepStates)
        outputs.append(heads.outputs)
    }

    /// Uses the standing result of a training set that is not planned.
    private mutating func hold(_ heads: Heads) {
        // Evicted bytes could only be restored by a training.
        let isHeld = heads.keys.allSatisfy { $0 != nil } && heads.outputs.allSatisfy { !evicted.contains($0) }
        if !isHeld { isAnyAbsent = true }
        states.append([isHeld ? .held : .absent])
        outputs.append(heads.outputs)
    }

    /// The standing results of one step.
    private struct Heads {
        var keys: [Digest?]
        var outputs: [Digest]
        private let width: Int

        init(count: Int, width: Int) {
            self.width = width
            keys = [Digest?](repeating: nil, count: count)
            outputs = [Digest](repeating: Digest.zero, count: count * width)
        }

        /// Merges rows and scopes, both of which are in ascending order of id.
        mutating func load(_ snapshot: PlanningSnapshot, stepID: Int64, scopes: ScopeIndex, kind: ScopeKind) throws {
            let order = scopes.positionsByID(of: kind)
            let count = keys.count
            var next = 0
            try snapshot.forEachHead(ofStep: stepID) { scopeID, key, digests in
                while next < count {
                    let position = order?[next] ?? next
                    let id = scopes.id(of: Scope(kind, position))
                    guard id <= scopeID else { return }
                    next += 1
                    guard id == scopeID, digests.count == width * Digest.byteCount else { continue }
                    keys[position] = key
                    for offset in 0..<width {
                        let bytes = UnsafeRawBufferPointer(
                            rebasing: digests[offset * Digest.byteCount..<(offset + 1) * Digest.byteCount])
                        outputs[position * width + offset] = Digest(bytes) ?? Digest.zero
                    }
                    return
                }
            }
        }
    }
}

extension Plan {
    /// For each step, the positions of items whose results stand and whose evicted bytes a stale item needs.
    func restores() -> [Set<Int>] {
        var restores = [Set<Int>](repeating: [], count: graph.steps.count)
        guard !evicted.isEmpty else { return restores }
        for step in graph.steps.indices.reversed() {
            let kind = graph.steps[step].scope
            for position in states[step].indices where states[step][position] == .stale || restores[step].contains(position) {
                for link in graph.links[step] {
                    let producer = graph.steps[link.producer]
                    let width = setups[link.producer].outputNames.count
                    scopes.forEachSource(of: Scope(kind, position), in: producer.scope) { scope in
                        let other = scope.position
                        let isStanding = states[link.producer][other] == .fresh || states[link.producer][other] == .foundAgain
                        if isStanding, evicted.contains(outputs[link.producer][other * width + link.output]) {
                            restores[link.producer].insert(other)
                        }
                    }
                }
            }
        }
        return restores
    }
}
