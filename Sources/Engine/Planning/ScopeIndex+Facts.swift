import Basics
import Catalog
import CatalogSchema
import Volumes

extension ScopeIndex {
    /// The digest of what is known of a scope without computing anything; nil where there is no such thing, or a file is
    /// missing. Of a training set, it is that of all its members together.
    func digest(
        of fact: StepInput.Fact, for scope: Scope, signatures: [SourceSignature?]
    ) -> Digest? {
        if scope.kind == .trainingSet {
            var members = MemberDigest()
            for member in factMembers(of: fact) {
                guard let digest = digest(of: fact, for: member, signatures: signatures) else {
                    return nil
                }
                members.add(label: fullLabel(of: member), digest: digest)
            }
            return members.digest
        }
        guard let tomogram = tomogram(of: scope) else { return nil }
        return switch fact {
        case .source: signatures[tomogram]?.digest
        case .annotation: part(of: scope)?.digest
        case .declaredVoxelSize, .z:
            text(of: fact, for: scope, signatures: signatures).map { Digest(of: $0.utf8) }
        }
    }

    /// The same as text, for traces and people; nil for a training set, whose members have their own.
    func text(
        of fact: StepInput.Fact, for scope: Scope, signatures: [SourceSignature?]
    ) -> String? {
        guard let tomogram = tomogram(of: scope) else { return nil }
        return switch fact {
        case .source: signatures[tomogram]?.text
        case .annotation: part(of: scope)?.digest?.abbreviated
        case .declaredVoxelSize: tomograms[tomogram].declaredVoxelSize.text
        case .z: label(of: scope)
        }
    }

    /// The members of the training set that have a fact.
    func factMembers(of fact: StepInput.Fact) -> [Scope] {
        let kind: ScopeKind =
            switch fact {
            case .source, .declaredVoxelSize: .tomogram
            case .annotation: .annotation
            case .z: .slab
            }
        return (training?.members(kind) ?? []).map { Scope(kind, Int($0)) }
    }

    /// Whether the file of a scope's tomogram is not there; of a training set, one of them.
    func isSourceMissing(of scope: Scope, signatures: [SourceSignature?]) -> Bool {
        if let tomogram = tomogram(of: scope) { return signatures[tomogram] == nil }
        return factMembers(of: .source).contains { signatures[$0.position] == nil }
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
