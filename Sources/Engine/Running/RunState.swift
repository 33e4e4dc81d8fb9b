import Basics
import BlobStore
import Catalog
import CatalogSchema
import Volumes

/// The state that the threads of a run share: which items wait, which are ready, and the digests of their outputs.
struct RunState {
    enum Progress: UInt8 {
        case complete, waiting, ready, working
        /// It could not run, and an earlier one is to blame.
        case dropped
        /// The plan has no such item.
        case absent
    }

    /// An item that ended and is not published yet.
    struct Finished {
        var node: ItemNode
        var outcome: ItemOutcome
        var staged: [StagedArtifact] = []
        /// Whether it ran only to restore evicted bytes.
        var isRestore = false
        /// The positions of the tomograms whose files it read.
        var sources: [Int] = []
        /// The item's work folder, which is removed after the item is published; nil where it has none.
        var workspace: String?
    }

    let graph: StepGraph
    let setups: [StepSetup]
    let scopes: ScopeIndex
    private let inputs: ItemInputs

    private(set) var outputs: [[Digest]]
    private var progress: [[Progress]]
    /// The number of inputs of each item that are not known yet.
    private var missing: [[Int32]]
    private var ready: [Queue]
    /// The items that run again to restore their bytes, and the items that wait for each.
    private var waiters: [ItemNode: [ItemNode]] = [:]
    private(set) var evicted: Set<Digest>
    /// For each step, the positions of its transient outputs among its outputs.
    private let transientOutputs: [Set<Int>]
    /// The items that gave each transient artifact.
    private var givers: [Digest: Set<ItemNode>] = [:]
    /// The keys that are being computed, and the items with the same key that wait for the result.
    private var claims: [Digest: [ItemNode]] = [:]

    private(set) var working = 0
    private(set) var unfinished = 0
    private(set) var unfinishedByStep: [Int]
    /// The items that ended and are to be published.
    private(set) var finished: [Finished] = []
    /// The number of items that are being published. Others may become ready when they are.
    private var publishing = 0
    /// The reports of items in progress.
    private var reports: [ItemNode: ItemReport] = [:]
    private var hasNewReport = false
    /// Whether no further item may begin.
    var isStopping = false

    init(_ plan: Plan) {
        graph = plan.graph
        setups = plan.setups
        scopes = plan.scopes
        inputs = ItemInputs(graph: plan.graph, scopes: plan.scopes, signatures: plan.signatures)
        outputs = plan.outputs
        evicted = plan.evicted
        progress = plan.states.map { states in
            states.map { state in
                switch state {
                case .stale, .waiting: .waiting
                case .fresh, .foundAgain, .offline, .held: .complete
                case .blocked: .dropped
                case .absent: .absent
                }
            }
        }
        missing = plan.states.map { [Int32](repeating: 0, count: $0.count) }
        ready = plan.graph.steps.map { _ in Queue() }
        unfinishedByStep = plan.graph.steps.map { _ in 0 }
        transientOutputs = zip(plan.graph.steps, plan.setups).map { step, setup in
            let names = Set(step.outputs.filter(\.isTransient).map(\.name))
            return Set(setup.outputNames.indices.filter { names.contains(setup.outputNames[$0]) })
        }
        for step in transientOutputs.indices where !transientOutputs[step].isEmpty {
            for position in progress[step].indices where progress[step][position] == .complete {
                noteGiver(ItemNode(step: step, position: position))
            }
        }
        for step in graph.steps.indices {
            for position in progress[step].indices where progress[step][position] == .waiting {
                unfinishedByStep[step] += 1
                for link in graph.links[step] {
                    let producer = link.producer
                    var count: Int32 = 0
                    scopes.forEachSource(of: Scope(graph.steps[step].scope, position), in: graph.steps[producer].scope) { other in
                        if [.waiting, .ready].contains(progress[producer][other.position]) { count += 1 }
                    }
                    missing[step][position] += count
                }
                if missing[step][position] == 0 { makeReady(ItemNode(step: step, position: position)) }
            }
        }
        unfinished = unfinishedByStep.reduce(0, +)
    }

    /// Whether nothing is left to do or to wait for.
    var isOver: Bool {
        finished.isEmpty && publishing == 0 && working == 0 && (isStopping || ready.allSatisfy(\.isEmpty))
    }

    // MARK: Work

    /// The next item to compute: of the last step that has one, so that chains that began are finished first (depth first).
    ///
    /// - Parameter isTaken: the steps of which one is wanted.
    mutating func takeReady(of isTaken: (_ step: Int) -> Bool = { _ in true }) -> ItemNode? {
        guard !isStopping, let step = ready.indices.last(where: { !ready[$0].isEmpty && isTaken($0) }),
            let position = ready[step].take()
        else { return nil }
        working += 1
        progress[step][position] = .working
        return ItemNode(step: step, position: position)
    }

    private mutating func makeReady(_ node: ItemNode) {
        progress[node.step][node.position] = .ready
        ready[node.step].add(node.position)
    }

    /// The inputs of a ready item; nil where an input is the file of a tomogram and it is missing.
    func inputs(of node: ItemNode) -> TraceInputs? { inputs.trace(of: node, outputs: outputs, isKnown: { _ in true }) }

    /// The items that give one input of an item, and the digests of what they gave.
    func members(of link: StepGraph.Link, for node: ItemNode) -> [(item: ItemNode, digest: Digest)] {
        inputs.members(of: link, for: node, outputs: outputs)
    }

    // MARK: Items with the same key

    /// Claims a key for an item. Where another item with the same key is in progress, this one waits for its end.
    ///
    /// - Returns: whether the item may run.
    mutating func claim(_ key: Digest, for node: ItemNode) -> Bool {
        guard claims[key] != nil else {
            claims[key] = []
            return true
        }
        claims[key]?.append(node)
        missing[node.step][node.position] = 1
        progress[node.step][node.position] = .waiting
        working -= 1
        return false
    }

    private mutating func giveUpClaim(_ key: Digest) {
        for twin in claims.removeValue(forKey: key) ?? [] { release(twin) }
    }

    // MARK: Evicted bytes

    /// Requests the evicted bytes that an item needs: the items that gave them run again first.
    ///
    /// - Parameter key: the item's key, whose claim is released while it waits.
    /// - Returns: false where no bytes are missing and the item can begin.
    mutating func sendForEvictedInputs(of node: ItemNode, key: Digest) -> Bool {
        guard !evicted.isEmpty else { return false }
        var count: Int32 = 0
        for link in graph.links[node.step] {
            for member in inputs.members(of: link, for: node, outputs: outputs) where evicted.contains(member.digest) {
                if waiters[member.item, default: []].contains(node) { continue }
                count += 1
                let isFirst = waiters[member.item]?.isEmpty ?? true
                waiters[member.item, default: []].append(node)
                if isFirst {
                    unfinished += 1
                    unfinishedByStep[member.item.step] += 1
                    makeReady(member.item)
                }
            }
        }
        guard count > 0 else { return false }
        missing[node.step][node.position] = count
        progress[node.step][node.position] = .waiting
        working -= 1
        giveUpClaim(key)
        return true
    }

    /// Whether an item runs only because others wait for its bytes.
    func isRestore(_ node: ItemNode) -> Bool { waiters[node] != nil }

    /// Whether the bytes that others wait for are still missing: an item with the same key may have restored them.
    func needsBytes(_ node: ItemNode) -> Bool {
        let width = setups[node.step].outputNames.count
        return isRestore(node) && (0..<width).contains { evicted.contains(outputs[node.step][node.position * width + $0]) }
    }

    // MARK: Transient artifacts

    private mutating func noteGiver(_ node: ItemNode) {
        let width = setups[node.step].outputNames.count
        for output in transientOutputs[node.step] {
            givers[outputs[node.step][node.position * width + output], default: []].insert(node)
        }
    }

    /// The transient artifacts that are there and were read for the last time before the run began.
    var spentBefore: [Digest] { givers.keys.filter(isSpent).sorted() }

    /// The transient artifacts that these items read, and that no item is going to read any more.
    func spent(by nodes: [ItemNode]) -> [Digest] {
        var found: [Digest] = []
        for node in nodes {
            for link in graph.links[node.step] where transientOutputs[link.producer].contains(link.output) {
                found += members(of: link, for: node).map(\.digest).filter(isSpent)
            }
        }
        return found
    }

    /// Notes that the bytes of some artifacts are gone.
    mutating func drop(_ digests: [Digest]) { evicted.formUnion(digests) }

    /// Whether a transient artifact is there, some item has read it, and all that could are done. One that failed may want it again in the next
    /// run.
    func isSpent(_ digest: Digest) -> Bool {
        guard let items = givers[digest], !evicted.contains(digest) else { return false }
        let readers = items.flatMap { dependants(of: $0) }.map { progress[$0.step][$0.position] }
        return readers.contains(.complete) && readers.allSatisfy { $0 == .complete || $0 == .absent }
            && items.allSatisfy { waiters[$0] == nil && progress[$0.step][$0.position] == .complete }
    }

    // MARK: Reports

    /// Stores the report of an item.
    mutating func report(_ fraction: Double, _ note: String, on node: ItemNode) {
        reports[node, default: ItemReport(fraction)].update(fraction, note)
        hasNewReport = true
    }

    /// The reports of the items in progress, where there is a new one since the last call.
    mutating func takeReports() -> [ItemNode: ItemReport]? {
        guard hasNewReport else { return nil }
        hasNewReport = false
        return reports
    }

    /// The last report of each item in progress.
    var latestReports: [ItemNode: ItemReport] { reports }

    // MARK: Ends

    /// Adds an item that ended to those that are to be published.
    mutating func finish(_ item: Finished) {
        working -= 1
        reports[item.node] = nil
        finished.append(item)
    }

    /// Takes all finished items, for the one thread that publishes; it calls ``endPublishing()`` afterwards.
    mutating func takeFinished() -> [Finished]? {
        if finished.isEmpty { return nil }
        defer { finished = [] }
        publishing = finished.count
        return finished
    }

    /// Ends the publishing of the items that were taken last, whether it succeeded or not.
    mutating func endPublishing() { publishing = 0 }

    /// Adds an item that cannot run because another one failed to those that are to be published.
    mutating func skip(_ item: Finished) { finished.append(item) }

    /// Returns an item that did not end to the ready ones.
    mutating func abandon(_ node: ItemNode) {
        working -= 1
        reports[node] = nil
    }

    /// Records that an item was published, and makes the items that waited for it ready.
    ///
    /// - Returns: the items that can no longer run because this one failed; each is to be published as skipped.
    mutating func published(_ item: Finished) -> [ItemNode] {
        let node = item.node
        unfinished -= 1
        unfinishedByStep[node.step] -= 1
        defer { if let key = item.outcome.key { giveUpClaim(key) } }
        let given: [Digest]
        switch item.outcome {
        case .done(let completed): given = completed.outputs.map(\.digest)
        case .foundAgain(_, _, _, let trace): given = trace.outputs
        case .trouble:
            progress[node.step][node.position] = .dropped
            let waiting = waiters.removeValue(forKey: node) ?? []
            return drop(waiting + dependants(of: node))
        }
        progress[node.step][node.position] = .complete
        for (offset, digest) in given.enumerated() {
            outputs[node.step][node.position * given.count + offset] = digest
            if case .done = item.outcome { evicted.remove(digest) }
        }
        noteGiver(node)
        for waiter in waiters.removeValue(forKey: node) ?? [] { release(waiter) }
        if !item.isRestore { for dependant in dependants(of: node) { release(dependant) } }
        return []
    }

    private mutating func release(_ node: ItemNode) {
        guard progress[node.step][node.position] == .waiting else { return }
        missing[node.step][node.position] -= 1
        if missing[node.step][node.position] == 0 { makeReady(node) }
    }

    private mutating func drop(_ nodes: [ItemNode]) -> [ItemNode] {
        var dropped: [ItemNode] = []
        var open = nodes
        while let node = open.popLast() {
            guard progress[node.step][node.position] == .waiting else { continue }
            progress[node.step][node.position] = .dropped
            dropped.append(node)
            open += dependants(of: node)
        }
        return dropped
    }

    /// Items that read from an item: one entry for each input.
    private func dependants(of node: ItemNode) -> [ItemNode] {
        var dependants: [ItemNode] = []
        for consumer in graph.steps.indices where consumer > node.step {
            for link in graph.links[consumer] where link.producer == node.step {
                scopes.forEachReader(of: graph.scope(of: node), in: graph.steps[consumer].scope) { other in
                    dependants.append(ItemNode(step: consumer, position: other.position))
                }
            }
        }
        return dependants
    }

    // MARK: Invariants

    /// Checks the invariants that hold between any two operations; returns a sentence for each breach. For tests.
    ///
    /// - Complexity: linear in the number of items.
    func checkInvariants() -> [String] {
        var breaches: [String] = []
        if unfinished != unfinishedByStep.reduce(0, +) { breaches.append("the counts of steps do not add up to \(unfinished)") }
        for (step, count) in unfinishedByStep.enumerated() where count < 0 { breaches.append("step \(step) has \(count) left") }
        var atWork = 0
        for step in graph.steps.indices {
            let queued = ready[step].waiting
            if Set(queued).count != queued.count { breaches.append("step \(step) has an item in its queue twice") }
            for position in queued where progress[step][position] != .ready {
                breaches.append("item \(step), \(position) is in the queue and \(progress[step][position])")
            }
            for position in progress[step].indices {
                let (state, count) = (progress[step][position], missing[step][position])
                if state == .working { atWork += 1 }
                if state == .ready, !queued.contains(position) {
                    breaches.append("item \(step), \(position) is ready and not queued")
                }
                if (state == .waiting) != (count > 0), state != .dropped, state != .absent {
                    breaches.append("item \(step), \(position) is \(state) and lacks \(count) inputs")
                }
            }
        }
        if working < 0 || working > atWork { breaches.append("\(working) items are counted at work, and \(atWork) are") }
        for (node, others) in waiters where ![.ready, .working].contains(progress[node.step][node.position]) || others.isEmpty {
            breaches.append("item \(node.step), \(node.position) is to bring bytes back and does not run")
        }
        for twin in claims.values.joined() where progress[twin.step][twin.position] != .waiting {
            breaches.append("item \(twin.step), \(twin.position) waits for its twin and does not wait")
        }
        return breaches
    }

    /// First in, first out.
    private struct Queue {
        private var items: [Int] = []
        private var head = 0

        var isEmpty: Bool { head == items.count }
        var waiting: ArraySlice<Int> { items[head...] }

        mutating func add(_ item: Int) { items.append(item) }

        mutating func take() -> Int? {
            guard head < items.count else { return nil }
            defer {
                head += 1
                if head == items.count { (items, head) = ([], 0) }
            }
            return items[head]
        }
    }
}
