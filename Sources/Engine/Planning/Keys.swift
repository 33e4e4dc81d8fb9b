import Basics
import Catalog
import CatalogSchema
import Volumes

/// The inputs of items. Planner, runner and `why` all get the parts of an item's key from here.
///
/// An input is a fact, one output of one other item, or the outputs of several items. The digest of several is SHA-256 over the label and the
/// digest of each, in order (``MemberDigest``).
struct ItemInputs: Sendable {
    let graph: StepGraph
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]

    /// Adds the digest of each declared input of an item to a collector, in the order of declaration, and the rows of its trace.
    ///
    /// - Parameters:
    ///   - outputs: for each step, the digests of its outputs, `[item][output]` in one list.
    ///   - isKnown: whether the outputs of an item are known.
    /// - Returns: false where an input is not known: the item that gives it is not fresh, or a file is missing.
    /// - Complexity: linear in the number of items that this one reads from.
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

    /// The items that give one input of an item, and the digests of what they gave.
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

    // The name is a closure, since only the rows of a trace need it: a plan makes a million keys without them.

    private func collect(
        _ link: StepGraph.Link, named name: @autoclosure () -> String, of item: ItemNode, outputs: [[Digest]],
        isKnown: (ItemNode) -> Bool, into collector: inout some InputCollector
    ) -> Bool {
        let reader = graph.scope(of: item)
        let (producer, width) = (graph.steps[link.producer].scope, graph.steps[link.producer].outputs.count)
        if ScopeIndex.isSingular(from: reader.kind, to: producer) {
            let position = scopes.only(producer, for: reader).position
            guard isKnown(ItemNode(step: link.producer, position: position)) else { return false }
            let digest = outputs[link.producer][position * width + link.output]
            collector.add(digest)
            collector.addRow { ItemOutcome.Input(name: name(), digest: digest, value: nil) }
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
            collector.addRow { ItemOutcome.Input(name: "\(name()) [\(label)]", digest: digest, value: nil) }
            if reader.kind == .trainingSet { collector.addMember { member(other, as: name(), digest) } }
        }
        guard isComplete else { return false }
        collector.add(all.digest)
        return true
    }

    private func collect(
        _ fact: StepInput.Fact, named name: @autoclosure () -> String, of item: ItemNode,
        into collector: inout some InputCollector
    ) -> Bool {
        let reader = graph.scope(of: item)
        guard let digest = scopes.digest(of: fact, for: reader, signatures: signatures) else { return false }
        collector.add(digest)
        guard reader.kind == .trainingSet else {
            collector.addRow {
                let text = scopes.text(of: fact, for: reader, signatures: signatures)
                return ItemOutcome.Input(name: name(), digest: digest, value: text)
            }
            return true
        }
        for scope in scopes.factMembers(of: fact) {
            guard let digest = scopes.digest(of: fact, for: scope, signatures: signatures) else { return false }
            collector.addRow {
                let text = scopes.text(of: fact, for: scope, signatures: signatures)
                return ItemOutcome.Input(
                    name: "\(name()) [\(scopes.fullLabel(of: scope))]", digest: digest, value: text)
            }
            collector.addMember { member(scope, as: name(), digest) }
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

    /// Whether an item reads from an item that is absent or blocked, so that it cannot run in this plan.
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

/// Collects the inputs of an item for ``ItemInputs``. A collector calls only the closures whose results it needs.
protocol InputCollector {
    /// Adds the digest of the next declared input.
    mutating func add(_ digest: Digest)
    /// Adds a row of the item's trace.
    mutating func addRow(_ row: () -> ItemOutcome.Input)
    /// The members of a training set, with their digests.
    mutating func addMember(_ member: () -> ItemOutcome.Member?)
}

/// Collects digests only, for a key: a plan computes the keys of a million items.
struct KeyInputs: InputCollector {
    private(set) var digests: [Digest] = []

    mutating func removeAll() { digests.removeAll(keepingCapacity: true) }
    mutating func add(_ digest: Digest) { digests.append(digest) }
    mutating func addRow(_ row: () -> ItemOutcome.Input) {}
    mutating func addMember(_ member: () -> ItemOutcome.Member?) {}
}

/// Collects digests and the rows of the item's trace.
struct TraceInputs: InputCollector {
    /// The digest of each declared input, in order.
    private(set) var digests: [Digest] = []
    private(set) var rows: [ItemOutcome.Input] = []
    /// The members of a training set, with their digests.
    private(set) var members: [ItemOutcome.Member] = []

    mutating func add(_ digest: Digest) { digests.append(digest) }
    mutating func addRow(_ row: () -> ItemOutcome.Input) { rows.append(row()) }
    mutating func addMember(_ member: () -> ItemOutcome.Member?) { if let member = member() { members.append(member) } }
}

/// The digest of an input that is the outputs of several scopes: SHA-256 over the label and the digest of each, in order.
struct MemberDigest {
    private var hash = SHA256()

    mutating func add(label: String, digest: Digest) {
        hash.update("\(label)\n".utf8)
        digest.withUnsafeBytes { hash.update($0) }
    }

    var digest: Digest { hash.digest }
}

/// A step with the values of one recipe: everything that all of its items share.
struct StepSetup: Sendable {
    let step: any Step
    /// Its parameters by their names within the step.
    let parameters: [String: RecipeValue]
    let configuration: Catalog.StepConfiguration
    /// The models that its parameters name, by name.
    let models: [String: ModelRecord]
    /// The names of its outputs, ascending: the order in which digests of outputs are stored.
    let outputNames: [String]

    /// - Throws: ``EngineError`` where the recipe names a model that the catalog does not have.
    init(_ step: any Step, recipe: Recipe, models: [String: ModelRecord]) throws(EngineError) {
        self.step = step
        parameters = recipe.parameters(of: step)
        outputNames = step.outputs.map(\.name).sorted()
        var used: [String: ModelRecord] = [:]
        for parameter in step.parameters {
            guard case .model(let kind) = parameter.kind, let name = parameters[parameter.name]?.text,
                name != ParameterDeclaration.noModel
            else { continue }
            guard let model = models[name], model.kind == kind else {
                throw EngineError(
                    .unknownModel,
                    "the recipe's \(step.recipeGroup).\(parameter.name) is \(name), and the catalog has no \(kind) model of that "
                        + "name; `cellar model list` shows what there is")
            }
            used[name] = model
        }
        self.models = used
        let digests = used.mapValues(\.digest.hexadecimal)
        let values = recipe.parameters(of: step)
        let implied = step.parameters.filter { $0.impliedBefore != nil && $0.impliedBefore == values[$0.name]?.text }.map(\.name)
        let unread = step.conditions.filter { $0.ownsParameter && !step.inputs.contains($0.input) }.map(\.parameter)
        let keyed = Dictionary(
            uniqueKeysWithValues: parameters.filter { !implied.contains($0.key) && !unread.contains($0.key) }.map {
                ("\(step.recipeGroup).\($0.key)", $0.value.text)
            })
        var lines = ["cellar configuration 1", step.name, step.scope.rawValue, "\(step.version)"]
        // The length before each text makes the encoding unambiguous.
        lines += keyed.sorted { $0.key < $1.key }.map { "recipe \($0.key)=\($0.value.utf8.count):\($0.value)" }
        lines += digests.sorted { $0.key < $1.key }.map { "model \($0.key)=\($0.value)" }
        lines += step.inputs.map { "input \($0.name)" }
        lines += outputNames.map { "output \($0)" }
        configuration = Catalog.StepConfiguration(
            step: step.name, scope: step.scope, version: step.version, parameters: keyed, models: digests,
            digest: Digest(of: lines.joined(separator: "\n").utf8))
    }

    /// The key of an item: a digest over the configuration and the digest of each input, in the order of declaration.
    func key(inputs: [Digest]) -> Digest {
        var hash = SHA256()
        configuration.digest.withUnsafeBytes { hash.update($0) }
        inputs.withUnsafeBytes { hash.update($0) }
        return hash.digest
    }
}
