import Basics
import Catalog
import CatalogSchema
import Volumes

/// The inputs of items: the one place that says what an item's key is made of, for the planner, the runner and `why`.
///
/// An input is a fact, one output of one other item, or the outputs of several. Of several, its digest is SHA-256 over what each is
/// called and its digest, in order (``MemberDigest``).
struct ItemInputs: Sendable {
    let graph: StepGraph
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]

    /// Hands the digest of each declared input of an item to a collector, in the order of declaration, and the rows of its trace.
    ///
    /// - Parameters:
    ///   - outputs: for each step, the digests of the outputs of its items, as many for each item as it has outputs.
    ///   - isKnown: whether the outputs of an item may be read from.
    /// - Returns: false where an input is not known: what gives it is not fresh, or a file is missing.
    /// - Complexity: linear in the number of items that it reads from.
    func collect(
        of item: ItemNode, outputs: [[Digest]], isKnown: (ItemNode) -> Bool, into collector: inout some InputCollector
    ) -> Bool {
        var links = graph.links[item.step].makeIterator()
        for input in graph.steps[item.step].inputs {
            switch input {
            case .fact(let fact):
                guard collect(fact, named: input.name, of: item, into: &collector) else { return false }
            case .voxels, .output:
                guard let link = links.next(),
                    collect(link, named: input.name, of: item, outputs: outputs, isKnown: isKnown, into: &collector)
                else { return false }
            }
        }
        return true
    }

    /// The items that give one input of an item, and what they gave.
    func members(of link: StepGraph.Link, for item: ItemNode, outputs: [[Digest]]) -> [(item: ItemNode, digest: Digest)] {
        var members: [(item: ItemNode, digest: Digest)] = []
        let producer = graph.steps[link.producer]
        scopes.forEachSource(of: graph.scope(of: item), in: producer.scope) { other in
            members.append(
                (
                    ItemNode(step: link.producer, position: other.position),
                    outputs[link.producer][other.position * producer.outputs.count + link.output]
                ))
        }
        return members
    }

    private func collect(
        _ link: StepGraph.Link, named name: String, of item: ItemNode, outputs: [[Digest]], isKnown: (ItemNode) -> Bool,
        into collector: inout some InputCollector
    ) -> Bool {
        let reader = graph.scope(of: item)
        let (producer, width) = (graph.steps[link.producer].scope, graph.steps[link.producer].outputs.count)
        if ScopeIndex.isSingular(from: reader.kind, to: producer) {
            let position = scopes.only(producer, for: reader).position
            guard isKnown(ItemNode(step: link.producer, position: position)) else { return false }
            let digest = outputs[link.producer][position * width + link.output]
            collector.add(digest)
            collector.addRow { ItemOutcome.Input(name: name, digest: digest, value: nil) }
            return true
        }
        var all = MemberDigest()
        var isComplete = true
        scopes.forEachSource(of: reader, in: producer) { other in
            guard isComplete, isKnown(ItemNode(step: link.producer, position: other.position)) else {
                isComplete = false
                return
            }
            let digest = outputs[link.producer][other.position * width + link.output]
            let label = scopes.memberLabel(of: other, for: reader.kind)
            all.add(label: label, digest: digest)
            collector.addRow { ItemOutcome.Input(name: "\(name) [\(label)]", digest: digest, value: nil) }
            if reader.kind == .trainingSet { collector.addMember { member(other, as: name, digest) } }
        }
        guard isComplete else { return false }
        collector.add(all.digest)
        return true
    }

    private func collect(
        _ fact: StepInput.Fact, named name: String, of item: ItemNode, into collector: inout some InputCollector
    ) -> Bool {
        let reader = graph.scope(of: item)
        guard let digest = scopes.digest(of: fact, for: reader, signatures: signatures) else { return false }
        collector.add(digest)
        guard reader.kind == .trainingSet else {
            collector.addRow {
                let text = scopes.text(of: fact, for: reader, signatures: signatures)
                return ItemOutcome.Input(name: name, digest: digest, value: text)
            }
            return true
        }
        for scope in scopes.factMembers(of: fact) {
            guard let digest = scopes.digest(of: fact, for: scope, signatures: signatures) else { return false }
            collector.addRow {
                let text = scopes.text(of: fact, for: scope, signatures: signatures)
                return ItemOutcome.Input(
                    name: "\(name) [\(scopes.fullLabel(of: scope))]", digest: digest, value: text)
            }
            collector.addMember { member(scope, as: name, digest) }
        }
        return true
    }

    private func member(_ scope: Scope, as input: String, _ digest: Digest) -> ItemOutcome.Member? {
        scopes.tomogram(of: scope).map { tomogram in
            ItemOutcome.Member(
                input: input, tomogramID: scopes.tomograms[tomogram].id, tomogram: scopes.tomograms[tomogram].name,
                label: scopes.label(of: scope), digest: digest)
        }
    }
}

extension ItemInputs {
    /// All inputs of an item with the rows of its trace; nil where one is not known.
    func trace(of item: ItemNode, outputs: [[Digest]], isKnown: (ItemNode) -> Bool) -> TraceInputs? {
        var inputs = TraceInputs()
        return collect(of: item, outputs: outputs, isKnown: isKnown, into: &inputs) ? inputs : nil
    }

    /// Whether an item reads from what cannot be had in a plan: from an item that is absent or blocked.
    func isBlocked(_ item: ItemNode, states: [[ItemState]]) -> Bool {
        graph.links[item.step].contains { link in
            var isBlocked = false
            scopes.forEachSource(of: graph.scope(of: item), in: graph.steps[link.producer].scope) { other in
                let state = states[link.producer][other.position]
                if state == .absent || state == .blocked { isBlocked = true }
            }
            return isBlocked
        }
    }
}

/// What ``ItemInputs`` hands the inputs of an item to. Closures are called only where somebody wants what they make.
protocol InputCollector {
    /// The digest of the next declared input.
    mutating func add(_ digest: Digest)
    /// A row of the item's trace.
    mutating func addRow(_ row: () -> ItemOutcome.Input)
    /// What a training set was made of.
    mutating func addMember(_ member: () -> ItemOutcome.Member?)
}

/// Digests alone, for a key: a plan asks for those of a million items.
struct KeyInputs: InputCollector {
    private(set) var digests: [Digest] = []

    mutating func removeAll() { digests.removeAll(keepingCapacity: true) }
    mutating func add(_ digest: Digest) { digests.append(digest) }
    mutating func addRow(_ row: () -> ItemOutcome.Input) {}
    mutating func addMember(_ member: () -> ItemOutcome.Member?) {}
}

/// Digests, and what the item's trace says of them.
struct TraceInputs: InputCollector {
    /// Of each declared input, in order.
    private(set) var digests: [Digest] = []
    private(set) var rows: [ItemOutcome.Input] = []
    /// What a training set was made of.
    private(set) var members: [ItemOutcome.Member] = []

    mutating func add(_ digest: Digest) { digests.append(digest) }
    mutating func addRow(_ row: () -> ItemOutcome.Input) { rows.append(row()) }
    mutating func addMember(_ member: () -> ItemOutcome.Member?) { if let member = member() { members.append(member) } }
}

/// The digest of an input that is the outputs of many scopes: over what each is called, and its digest, in order.
struct MemberDigest {
    private var hash = SHA256()

    mutating func add(label: String, digest: Digest) {
        hash.update("\(label)\n".utf8)
        digest.withUnsafeBytes { hash.update($0) }
    }

    var digest: Digest { hash.digest }
}
