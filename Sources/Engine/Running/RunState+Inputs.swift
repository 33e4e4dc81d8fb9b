import Basics
import Catalog
import CatalogSchema
import Volumes

extension RunState {
    /// The inputs of an item, all of which are known.
    struct Inputs {
        /// Of each declared one, in order.
        var digests: [Digest] = []
        /// As the item's trace lists them.
        var rows: [ItemOutcome.Input] = []
        /// What a training set's are made of.
        var members: [ItemOutcome.Member] = []
    }

    /// The inputs of an item; nil where the file of a tomogram is missing whose signature is one of them.
    func inputs(of node: ItemNode) -> Inputs? {
        let step = graph.steps[node.step]
        var inputs = Inputs()
        var links = graph.links[node.step].makeIterator()
        for input in step.inputs {
            switch input {
            case .fact(let fact): guard add(fact, named: input.name, of: node, to: &inputs) else { return nil }
            case .voxels, .output:
                guard let link = links.next() else { return nil }
                let members = members(of: link, for: node)
                let producer = graph.steps[link.producer].scope
                if ScopeIndex.isSingular(from: step.scope, to: producer) {
                    guard let member = members.first else { return nil }
                    inputs.digests.append(member.digest)
                    inputs.rows.append(ItemOutcome.Input(name: input.name, digest: member.digest, value: nil))
                } else {
                    var digest = MemberDigest()
                    for member in members {
                        let label = scopes.memberLabel(of: producer, at: member.node.position, for: step.scope)
                        digest.add(label: label, digest: member.digest)
                        inputs.rows.append(ItemOutcome.Input(name: "\(input.name) [\(label)]", digest: member.digest, value: nil))
                        if step.scope == .trainingSet {
                            note(producer, member.node.position, as: input.name, member.digest, &inputs)
                        }
                    }
                    inputs.digests.append(digest.digest)
                }
            }
        }
        return inputs
    }

    /// - Returns: whether there is such a fact.
    private func add(_ fact: StepInput.Fact, named name: String, of node: ItemNode, to inputs: inout Inputs) -> Bool {
        let kind = graph.steps[node.step].scope
        guard let digest = scopes.digest(of: fact, for: kind, at: node.position, signatures: signatures) else { return false }
        inputs.digests.append(digest)
        guard kind == .trainingSet else {
            let text = scopes.text(of: fact, for: kind, at: node.position, signatures: signatures)
            inputs.rows.append(ItemOutcome.Input(name: name, digest: digest, value: text))
            return true
        }
        for (kind, position) in scopes.factMembers(of: fact) {
            guard let digest = scopes.digest(of: fact, for: kind, at: position, signatures: signatures) else { return false }
            let text = scopes.text(of: fact, for: kind, at: position, signatures: signatures)
            let label = scopes.fullLabel(of: kind, at: position)
            inputs.rows.append(ItemOutcome.Input(name: "\(name) [\(label)]", digest: digest, value: text))
            note(kind, position, as: name, digest, &inputs)
        }
        return true
    }

    private func note(_ kind: ScopeKind, _ position: Int, as input: String, _ digest: Digest, _ inputs: inout Inputs) {
        guard let tomogram = scopes.tomogram(of: kind, at: position) else { return }
        inputs.members.append(
            ItemOutcome.Member(
                input: input, tomogramID: scopes.tomograms[tomogram].id, tomogram: scopes.tomograms[tomogram].name,
                label: scopes.label(of: kind, at: position), digest: digest))
    }

    /// The items that give one input of an item, and what they gave.
    func members(of link: StepGraph.Link, for node: ItemNode) -> [(node: ItemNode, digest: Digest)] {
        var members: [(node: ItemNode, digest: Digest)] = []
        let producer = graph.steps[link.producer]
        let width = setups[link.producer].outputNames.count
        scopes.forEachSource(of: graph.steps[node.step].scope, at: node.position, in: producer.scope) { other in
            members.append((ItemNode(step: link.producer, position: other), outputs[link.producer][other * width + link.output]))
        }
        return members
    }
}
