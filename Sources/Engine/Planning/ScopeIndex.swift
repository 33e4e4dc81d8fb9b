import Basics
import Catalog
import CatalogSchema
import Volumes

/// A scope of a plan: a tomogram, slab, slice, annotation or training set, by its position among those of its kind.
struct Scope: Hashable, Sendable {
    let kind: ScopeKind
    let position: Int

    init(_ kind: ScopeKind, _ position: Int) {
        self.kind = kind
        self.position = position
    }
}

/// The scopes of a plan in order, and the relations between them.
///
/// Tomograms are in ascending order of id, parts in the order of tomograms and then of z; the current training set has position 0. Relations
/// between tomograms and their parts are ranges of positions, so that a million parts need no table.
struct ScopeIndex: Sendable {
    let tomograms: [PlanningSnapshot.Tomogram]
    /// The current training set; nil where there is none, or no step needs it.
    let training: TrainingScope?
    /// What people say of single particles of tomograms of the training set, by the position of the tomogram.
    let curations: [Int: Catalog.CuratedParticles]
    private let parts: [ScopeKind: [PlanningSnapshot.Part]]
    /// For each kind, the position of the first part of each tomogram, and one past the last part at the end.
    private let firstPart: [ScopeKind: [Int32]]

    /// Reads the scopes of the kinds that are needed.
    ///
    /// - Parameter curation: what people say of single particles, by the id of the tomogram.
    init(
        _ snapshot: PlanningSnapshot, selection: [Int64]?, kinds: Set<ScopeKind>, training: PlanningSnapshot.TrainingSet?,
        curation: [Int64: Catalog.CuratedParticles] = [:]
    ) throws {
        tomograms = try snapshot.tomograms(selection: selection)
        var parts: [ScopeKind: [PlanningSnapshot.Part]] = [:]
        var firstPart: [ScopeKind: [Int32]] = [:]
        // A slab reads from its slices and a slice from its slabs: both kinds are needed where one is.
        let needed = kinds.isDisjoint(with: [.slab, .slice]) ? kinds : kinds.union([.slab, .slice])
        for kind in needed where kind != .tomogram && kind != .trainingSet {
            let list = try snapshot.parts(of: kind, tomograms: tomograms)
            var first = [Int32](repeating: 0, count: tomograms.count + 1)
            for part in list { first[Int(part.tomogram) + 1] += 1 }
            for position in tomograms.indices { first[position + 1] += first[position] }
            parts[kind] = list
            firstPart[kind] = first
        }
        self.parts = parts
        self.firstPart = firstPart
        var curations: [Int: Catalog.CuratedParticles] = [:]
        if !curation.isEmpty {
            for position in tomograms.indices { curations[position] = curation[tomograms[position].id] }
        }
        self.curations = curations
        self.training = if let training { TrainingScope(training, tomograms: tomograms, parts: parts) } else { nil }
    }

    func count(of kind: ScopeKind) -> Int {
        switch kind {
        case .tomogram: tomograms.count
        case .trainingSet: training == nil ? 0 : 1
        case .annotation, .slab, .slice: parts[kind]?.count ?? 0
        }
    }

    func id(of scope: Scope) -> Int64 {
        switch scope.kind {
        case .tomogram: tomograms[scope.position].id
        case .trainingSet: training?.id ?? 0
        case .annotation, .slab, .slice: parts[scope.kind]?[scope.position].id ?? 0
        }
    }

    /// The positions of a kind's scopes in ascending order of id, where it differs from the order of positions.
    func positionsByID(of kind: ScopeKind) -> [Int]? {
        guard let list = parts[kind] else { return nil }
        return list.indices.sorted { list[$0].id < list[$1].id }
    }

    func part(of scope: Scope) -> PlanningSnapshot.Part? { parts[scope.kind]?[scope.position] }

    /// The position of the tomogram that a scope is or is part of; nil for a training set, which has several.
    func tomogram(of scope: Scope) -> Int? {
        switch scope.kind {
        case .tomogram: scope.position
        case .trainingSet: nil
        case .annotation, .slab, .slice: parts[scope.kind].map { Int($0[scope.position].tomogram) }
        }
    }

    /// The label of a scope within its tomogram: empty for the tomogram itself, and for a training set.
    func label(of scope: Scope) -> String {
        guard let part = part(of: scope) else { return "" }
        return switch scope.kind {
        case .tomogram, .trainingSet: ""
        case .annotation: "annotation \(part.id)"
        case .slab: "z \(part.z.lowerBound)..<\(part.z.upperBound)"
        case .slice: "z \(part.z.lowerBound)"
        }
    }

    /// The name of a scope's tomogram, `dataset/name`; for a training set its own name.
    func owner(of scope: Scope) -> String {
        tomogram(of: scope).map { tomograms[$0].name } ?? training?.name ?? ""
    }

    /// The label of a scope among all of its kind: `toys/a z 3..<6`.
    func fullLabel(of scope: Scope) -> String {
        let (owner, label) = (owner(of: scope), label(of: scope))
        return label.isEmpty ? owner : "\(owner) \(label)"
    }

    /// The label of a scope in the key and trace of an item that reads from it: with its tomogram for a training set, whose members are of several
    /// tomograms.
    func memberLabel(of scope: Scope, for reader: ScopeKind) -> String {
        reader == .trainingSet ? fullLabel(of: scope) : label(of: scope)
    }
}

extension ScopeIndex {
    /// Whether a scope of one kind reads from exactly one scope of another kind: itself, its tomogram, or the training set.
    static func isSingular(from kind: ScopeKind, to other: ScopeKind) -> Bool {
        kind == other || other == .trainingSet || (other == .tomogram && kind != .trainingSet)
    }

    /// The one scope of a kind that a scope reads from, where ``isSingular(from:to:)`` is true.
    func only(_ other: ScopeKind, for scope: Scope) -> Scope {
        scope.kind == other ? scope : Scope(other, other == .trainingSet ? 0 : tomogram(of: scope) ?? 0)
    }

    /// Calls the closure with all scopes of a kind that a scope reads from: its tomogram, the parts of its tomogram that share its z (all parts
    /// for a tomogram or an annotation), the members of a training set, or the current training set.
    func forEachSource(of scope: Scope, in other: ScopeKind, _ body: (Scope) -> Void) {
        if scope.kind == other { return body(scope) }
        if other == .trainingSet { return training == nil ? () : body(Scope(other, 0)) }
        if scope.kind == .trainingSet {
            for member in training?.members(other) ?? [] { body(Scope(other, Int(member))) }
            return
        }
        forEachRelative(of: scope, in: other, body)
    }

    /// Calls the closure with all scopes of a kind that read from a scope.
    func forEachReader(of scope: Scope, in other: ScopeKind, _ body: (Scope) -> Void) {
        if scope.kind == other { return body(scope) }
        if scope.kind == .trainingSet {
            for position in 0..<count(of: other) { body(Scope(other, position)) }
            return
        }
        if other == .trainingSet { return training?.contains(scope) == true ? body(Scope(other, 0)) : () }
        forEachRelative(of: scope, in: other, body)
    }

    /// The relation between tomograms and their parts, which is symmetric. An annotation belongs to the whole tomogram and is related to all of its
    /// slabs and slices.
    private func forEachRelative(of scope: Scope, in other: ScopeKind, _ body: (Scope) -> Void) {
        guard let tomogram = tomogram(of: scope) else { return }
        if other == .tomogram { return body(Scope(other, tomogram)) }
        guard let first = firstPart[other], let candidates = parts[other] else { return }
        let mine = scope.kind == .annotation || other == .annotation ? nil : part(of: scope)?.z
        for candidate in Int(first[tomogram])..<Int(first[tomogram + 1]) {
            if let mine, !mine.overlaps(candidates[candidate].z) { continue }
            body(Scope(other, candidate))
        }
    }
}

extension ScopeIndex {
    /// The position of a tomogram, by binary search.
    func tomogramPosition(ofID id: Int64) -> Int? {
        var (low, high) = (0, tomograms.count)
        while low < high {
            let middle = (low + high) / 2
            if tomograms[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < tomograms.count && tomograms[low].id == id ? low : nil
    }

    /// The scope of a kind with an id of the catalog.
    ///
    /// - Parameter tomogramID: the id of the tomogram that it is or is part of; nil for a training set.
    func scope(_ kind: ScopeKind, id: Int64, tomogramID: Int64?) -> Scope? {
        if kind == .trainingSet { return training?.id == id ? Scope(kind, 0) : nil }
        guard let tomogramID, let tomogram = tomogramPosition(ofID: tomogramID) else { return nil }
        if kind == .tomogram { return Scope(kind, tomogram) }
        var found: Scope?
        forEachRelative(of: Scope(.tomogram, tomogram), in: kind) { if self.id(of: $0) == id { found = $0 } }
        return found
    }
}

extension ScopeIndex {
    /// The digest of a fact about a scope; nil where the scope does not have it, or a file is missing. For a training set, the digest of the facts of
    /// all its members.
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
        case .curation: curations[tomogram]?.digest
        case .declaredVoxelSize, .z:
            text(of: fact, for: scope, signatures: signatures).map { Digest(of: $0.utf8) }
        }
    }

    /// The fact as text, for traces and people; nil for a training set, whose members each have their own.
    func text(
        of fact: StepInput.Fact, for scope: Scope, signatures: [SourceSignature?]
    ) -> String? {
        guard let tomogram = tomogram(of: scope) else { return nil }
        return switch fact {
        case .source: signatures[tomogram]?.text
        case .annotation: part(of: scope)?.digest?.abbreviated
        case .curation: curations[tomogram]?.text
        case .declaredVoxelSize: tomograms[tomogram].declaredVoxelSize.text
        case .z: label(of: scope)
        }
    }

    /// The members of the training set that have a fact.
    func factMembers(of fact: StepInput.Fact) -> [Scope] {
        let kind: ScopeKind =
            switch fact {
            case .source, .declaredVoxelSize, .curation: .tomogram
            case .annotation: .annotation
            case .z: .slab
            }
        let members = (training?.members(kind) ?? []).map { Scope(kind, Int($0)) }
        return fact == .curation ? members.filter { curations[$0.position] != nil } : members
    }

    /// Whether the file of a scope's tomogram is missing; for a training set, the file of any of its tomograms.
    func isSourceMissing(of scope: Scope, signatures: [SourceSignature?]) -> Bool {
        if let tomogram = tomogram(of: scope) { return signatures[tomogram] == nil }
        return factMembers(of: .source).contains { signatures[$0.position] == nil }
    }
}

extension PlanningSnapshot.DeclaredVoxelSize {
    /// The text in traces and `why`.
    var text: String {
        // Keys were made of this text before folders and metadata were read: where they say nothing, it is as it was.
        let said = [("user", user), ("metadata", metadata), ("folder", folder), ("dataset", dataset)].compactMap { source, size in
            size.map { "\(source) \($0)" }
        }
        return said.isEmpty ? "nothing" : said.joined(separator: ", ")
    }
}

/// The current training set in a plan, and its members among the plan's scopes.
struct TrainingScope: Sendable {
    let id: Int64
    let name: String
    /// Whether the plan covers only some of its tomograms: then nothing is trained, and the standing results are used.
    let isHeld: Bool
    /// The positions of the members of each kind, ascending; empty where the set is held.
    private let positions: [ScopeKind: [Int32]]

    init(
        _ set: PlanningSnapshot.TrainingSet, tomograms: [PlanningSnapshot.Tomogram], parts: [ScopeKind: [PlanningSnapshot.Part]]
    ) {
        (id, name) = (set.id, set.name)
        let members = tomograms.indices.filter { set.tomograms.contains(tomograms[$0].id) }
        isHeld = members.count < set.tomograms.count
        guard !isHeld else {
            positions = [:]
            return
        }
        func list(_ kind: ScopeKind, where isMember: (PlanningSnapshot.Part) -> Bool) -> [Int32] {
            let list = parts[kind] ?? []
            return list.indices.filter { isMember(list[$0]) }.map(Int32.init)
        }
        let slabs = (parts[.slab] ?? []).filter { set.slabs.contains($0.id) }
        let slabsByTomogram = Dictionary(grouping: slabs, by: \.tomogram)
        positions = [
            .tomogram: members.map(Int32.init),
            .slab: list(.slab) { set.slabs.contains($0.id) },
            .slice: slabs.isEmpty
                ? []
                : list(.slice) { slice in
                    slabsByTomogram[slice.tomogram]?.contains { $0.z.overlaps(slice.z) } == true
                },
            .annotation: list(.annotation) { set.annotations.contains($0.id) },
        ]
    }

    /// The positions of its members of a kind: the tomograms of its slabs and annotations, the slabs, their slices, or the annotations.
    func members(_ kind: ScopeKind) -> [Int32] { positions[kind] ?? [] }

    /// Whether a scope is a member, by binary search.
    func contains(_ scope: Scope) -> Bool {
        let list = members(scope.kind)
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < Int32(scope.position) { low = middle + 1 } else { high = middle }
        }
        return low < list.count && list[low] == Int32(scope.position)
    }
}
