import Basics
import Catalog
import CatalogSchema
import Volumes

/// Answers what an item reads from its bundle, as a run answers it from the catalog.
struct BundleReader: ItemReader {
    private struct Member {
        let scope: StepItem.Scope
        let digest: Digest
        let value: String?
    }

    let scope: StepItem.Scope
    private let step: any Step
    private let inputs: [(digest: Digest?, members: [Member])]
    private let members: [StepItem.Scope]
    private let annotations: [StepItem.Scope: StepItem.Annotation]
    private let curations: [StepItem.Scope: [CurationMember.Verdict]]
    private let tomograms: [Int64: BundleTomogram]

    /// - Throws: ``EngineError`` where the file of the task contradicts itself.
    init(_ item: BundleItem, of task: BundleTask, step: any Step) throws(EngineError) {
        guard item.inputs.count == step.inputs.count else { throw BundleTask.contradiction }
        self.step = step
        scope = try task.scope(item.scope)
        inputs = try item.inputs.map { input throws(EngineError) in
            let members = try (input.members ?? []).map { member throws(EngineError) in
                Member(scope: try task.scope(member.scope), digest: member.digest, value: member.value)
            }
            return (input.digest, members)
        }
        members = try (item.members ?? []).map { number throws(EngineError) in try task.scope(number) }
        annotations = Dictionary(
            try (item.annotations ?? []).map { entry throws(EngineError) in (try task.scope(entry.scope), entry.annotation) },
            uniquingKeysWith: { $1 })
        curations = Dictionary(
            try (item.curation ?? []).map { entry throws(EngineError) in (try task.scope(entry.scope), entry.verdicts) },
            uniquingKeysWith: { $1 })
        tomograms = Dictionary(task.tomograms.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    }

    /// The key of the item, computed from what its bundle says that it reads.
    ///
    /// - Throws: ``EngineError`` where an input is missing.
    func key(under setup: StepSetup) throws(EngineError) -> Digest {
        var digests: [Digest] = []
        for (input, given) in zip(step.inputs, inputs) {
            switch input {
            case .fact(.declaredVoxelSize): digests.append(Digest(of: try declared(of: scope).text.utf8))
            case .fact(.z): digests.append(Digest(of: scope.label.utf8))
            case .fact:
                guard let digest = given.digest else { throw BundleTask.contradiction }
                digests.append(digest)
            case .voxels, .output:
                // Several outputs have labels, one of another kind of scope is itself; as ``ItemInputs`` does it.
                guard let kind = given.members.first?.scope.kind, ScopeIndex.isSingular(from: scope.kind, to: kind) else {
                    var all = MemberDigest()
                    for member in given.members { all.add(label: label(of: member.scope), digest: member.digest) }
                    digests.append(all.digest)
                    continue
                }
                guard given.members.count == 1 else { throw BundleTask.contradiction }
                digests.append(given.members[0].digest)
            }
        }
        return setup.key(inputs: digests)
    }

    private func label(of member: StepItem.Scope) -> String {
        guard scope.kind == .trainingSet else { return member.label }
        return member.label.isEmpty ? member.tomogram : "\(member.tomogram) \(member.label)"
    }

    /// Checks that the files of tomograms are those that were planned with.
    ///
    /// - Throws: ``EngineError`` where one is missing, or another one.
    func checkSources(_ sources: Set<StepItem.Scope>, host: String) throws(EngineError) {
        for id in Set(sources.compactMap(\.tomogramID)).sorted() {
            guard let tomogram = tomograms[id] else { throw BundleTask.contradiction }
            guard let signature = SourceSignature(tomogram.location.location) else {
                throw EngineError(
                    .source,
                    "the file \(tomogram.location.location) is not there on \(host); put it back, or on a disk that this machine sees"
                )
            }
            guard signature.digest == tomogram.signature else {
                throw EngineError(.source, "the file \(tomogram.location.location) changed during the run; run again")
            }
        }
    }

    /// The scopes whose tomograms the item may open.
    var sources: Set<StepItem.Scope> {
        guard step.readsFile else { return [] }
        return Set(members(.tomogram, of: scope) + (scope.tomogramID == nil ? [] : [scope]))
    }

    // MARK: As the run answers

    func declaredVoxelSize(of scope: StepItem.Scope) throws -> PlanningSnapshot.DeclaredVoxelSize { try declared(of: scope) }

    private func declared(of scope: StepItem.Scope) throws(EngineError) -> PlanningSnapshot.DeclaredVoxelSize {
        guard let tomogram = scope.tomogramID.flatMap({ tomograms[$0] }) else {
            throw EngineError(mistake: .brokenPromise, "there is no one tomogram of \(scope.tomogram) in this bundle")
        }
        return PlanningSnapshot.DeclaredVoxelSize(edges: tomogram.voxelSizes)
    }

    func value(of step: String, named name: String, for scope: StepItem.Scope) throws -> String {
        let given = try given(by: step, named: name, for: scope)
        guard let text = given.first?.value, given.count == 1 else {
            throw EngineError(
                mistake: .brokenPromise, "\(step).\(name) is not one value for \(scope.tomogram) \(scope.label)")
        }
        return text
    }

    func artifacts(
        of step: String, named name: String, for scope: StepItem.Scope
    ) throws -> [(scope: StepItem.Scope, digest: Digest)] {
        try given(by: step, named: name, for: scope).map { ($0.scope, $0.digest) }
    }

    func members(_ kind: ScopeKind, of scope: StepItem.Scope) -> [StepItem.Scope] {
        guard scope.kind == .trainingSet else { return scope.kind == kind ? [scope] : [] }
        return members.filter { $0.kind == kind }
    }

    func annotation(of scope: StepItem.Scope) throws -> StepItem.Annotation {
        guard let annotation = annotations[scope] else {
            throw EngineError(mistake: .brokenPromise, "there is no annotation \(scope.id) in this bundle")
        }
        return annotation
    }

    func curation(of scope: StepItem.Scope) -> [CurationMember.Verdict] { curations[scope] ?? [] }

    private func given(by step: String, named name: String, for reader: StepItem.Scope) throws -> [Member] {
        let wanted = StepInput.output(of: step, named: name)
        guard let position = self.step.inputs.firstIndex(of: wanted) else {
            throw EngineError(mistake: .brokenPromise, "no step gives \(step).\(name)")
        }
        let members = inputs[position].members
        return reader == scope ? members : members.filter { Self.reads(reader, from: $0.scope) }
    }

    /// Whether a scope reads from another one; as ``ScopeIndex/forEachSource(of:in:_:)`` says by positions.
    private static func reads(_ reader: StepItem.Scope, from other: StepItem.Scope) -> Bool {
        if reader.kind == other.kind { return reader.id == other.id }
        if reader.kind == .trainingSet || other.kind == .trainingSet { return true }
        guard reader.tomogramID == other.tomogramID else { return false }
        guard let z = reader.z, let otherZ = other.z else { return true }
        return z.overlaps(otherZ)
    }
}
