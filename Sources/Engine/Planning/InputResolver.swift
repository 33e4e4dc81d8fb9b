import Basics
import Catalog
import CatalogSchema
import Volumes

/// Finds the inputs of a step's items among facts and the outputs of other steps.
struct InputResolver: Sendable {
    let graph: StepGraph
    let step: Int
    let scopes: ScopeIndex
    let signatures: [SourceSignature?]
    let states: [[NodeState]]
    let outputs: [[Digest]]

    /// Fills in the digest of each declared input of an item.
    ///
    /// - Returns: false where one is not known, because what gives it is not fresh or a file is missing.
    func digests(of position: Int, into digests: inout [Digest]) -> Bool {
        let step = graph.steps[step]
        digests.removeAll(keepingCapacity: true)
        var links = graph.links[self.step].makeIterator()
        for input in step.inputs {
            switch input {
            case .fact(let fact):
                guard let digest = scopes.digest(of: fact, for: step.scope, at: position, signatures: signatures) else {
                    return false
                }
                digests.append(digest)
            case .voxels, .output:
                guard let link = links.next(), let digest = digest(of: link, for: position, kind: step.scope) else {
                    return false
                }
                digests.append(digest)
            }
        }
        return true
    }

    private func digest(of link: StepGraph.Link, for position: Int, kind: ScopeKind) -> Digest? {
        let other = graph.steps[link.producer].scope
        let width = graph.steps[link.producer].outputs.count
        if ScopeIndex.isSingular(from: kind, to: other) {
            let producer = scopes.only(other, for: kind, at: position)
            return states[link.producer][producer].hasOutputs ? outputs[link.producer][producer * width + link.output] : nil
        }
        var members = MemberDigest()
        var isComplete = true
        scopes.forEachSource(of: kind, at: position, in: other) { producer in
            guard states[link.producer][producer].hasOutputs else {
                isComplete = false
                return
            }
            members.add(
                label: scopes.memberLabel(of: other, at: producer, for: kind),
                digest: outputs[link.producer][producer * width + link.output])
        }
        return isComplete ? members.digest : nil
    }

    /// Whether an item reads from what cannot be had in this plan.
    func isBlocked(_ position: Int) -> Bool {
        let kind = graph.steps[step].scope
        return graph.links[step].contains { link in
            var isBlocked = false
            scopes.forEachSource(of: kind, at: position, in: graph.steps[link.producer].scope) { producer in
                let state = states[link.producer][producer]
                if state == .absent || state == .blocked { isBlocked = true }
            }
            return isBlocked
        }
    }
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
