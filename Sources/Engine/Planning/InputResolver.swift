import Catalog
import CatalogSchema
import Volumes

import struct Crypto.SHA256

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
            case .output:
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
            let producer = kind == other ? position : scopes.tomogram(of: kind, at: position)
            return isKnown(link.producer, producer) ? outputs[link.producer][producer * width + link.output] : nil
        }
        var members = MemberDigest()
        var isComplete = true
        scopes.forEachRelated(to: kind, at: position, of: other) { producer in
            guard isKnown(link.producer, producer) else {
                isComplete = false
                return
            }
            members.add(
                label: scopes.label(of: other, at: producer), digest: outputs[link.producer][producer * width + link.output])
        }
        return isComplete ? members.digest : nil
    }

    private func isKnown(_ step: Int, _ position: Int) -> Bool {
        switch states[step][position] {
        case .fresh, .known, .offline: true
        case .stale, .pending: false
        }
    }
}

/// The digest of an input that is the outputs of many scopes: over what each is called, and its digest, in order.
struct MemberDigest {
    private var hash = SHA256()

    mutating func add(label: String, digest: Digest) {
        hash.update(data: Array("\(label)\n".utf8))
        digest.withUnsafeBytes { hash.update(bufferPointer: $0) }
    }

    var digest: Digest { Digest(hash) }
}

extension ScopeIndex {
    /// The digest of what is known of a scope without computing anything; nil where there is no such thing.
    func digest(
        of fact: StepInput.Fact, for kind: ScopeKind, at position: Int, signatures: [SourceSignature?]
    ) -> Digest? {
        switch fact {
        case .source: signatures[tomogram(of: kind, at: position)]?.digest
        case .annotation: part(of: kind, at: position)?.digest
        case .declaredVoxelSize, .z:
            text(of: fact, for: kind, at: position, signatures: signatures).map { Digest(of: $0.utf8) }
        }
    }

    /// The same as text, for traces and people.
    func text(
        of fact: StepInput.Fact, for kind: ScopeKind, at position: Int, signatures: [SourceSignature?]
    ) -> String? {
        switch fact {
        case .source: signatures[tomogram(of: kind, at: position)]?.text
        case .annotation: part(of: kind, at: position)?.digest?.abbreviated
        case .declaredVoxelSize: tomograms[tomogram(of: kind, at: position)].declaredVoxelSize.text
        case .z: label(of: kind, at: position)
        }
    }
}

extension PlanningSnapshot.DeclaredVoxelSize {
    /// As traces and `why` write it.
    var text: String {
        let user = user.map { "user \($0)" }
        let dataset = dataset.map { "dataset \($0)" }
        let said = [user, dataset].compactMap(\.self)
        return said.isEmpty ? "nothing" : said.joined(separator: ", ")
    }
}
