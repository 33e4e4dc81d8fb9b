import Catalog
import CatalogSchema
import Volumes

/// The scopes of a plan, in order, and which belong to which.
///
/// A scope is known by its kind and its position: tomograms by ascending id, parts by tomogram, then by z. Relations
/// are ranges of positions, so that a million of them need no table.
struct ScopeIndex: Sendable {
    let tomograms: [PlanningSnapshot.Tomogram]
    private let parts: [ScopeKind: [PlanningSnapshot.Part]]
    /// For each kind, the position at which each tomogram's parts begin, and one past the last.
    private let firstPart: [ScopeKind: [Int32]]

    /// Reads the scopes of the kinds that are needed.
    init(_ snapshot: PlanningSnapshot, selection: [Int64]?, kinds: Set<ScopeKind>) throws {
        tomograms = try snapshot.tomograms(selection: selection)
        var parts: [ScopeKind: [PlanningSnapshot.Part]] = [:]
        var firstPart: [ScopeKind: [Int32]] = [:]
        // Slabs and slices are found through one another.
        let needed = kinds.isDisjoint(with: [.slab, .slice]) ? kinds : kinds.union([.slab, .slice])
        for kind in needed where kind != .tomogram {
            let list = try snapshot.parts(of: kind, tomograms: tomograms)
            var first = [Int32](repeating: 0, count: tomograms.count + 1)
            for part in list { first[Int(part.tomogram) + 1] += 1 }
            for position in tomograms.indices { first[position + 1] += first[position] }
            parts[kind] = list
            firstPart[kind] = first
        }
        self.parts = parts
        self.firstPart = firstPart
    }

    func count(of kind: ScopeKind) -> Int { kind == .tomogram ? tomograms.count : parts[kind]?.count ?? 0 }

    func id(of kind: ScopeKind, at position: Int) -> Int64 {
        kind == .tomogram ? tomograms[position].id : parts[kind]?[position].id ?? 0
    }

    /// The positions of a kind's scopes by ascending id, where that is another order than theirs.
    func positionsByID(of kind: ScopeKind) -> [Int]? {
        guard kind != .tomogram, let list = parts[kind] else { return nil }
        return list.indices.sorted { list[$0].id < list[$1].id }
    }

    func part(of kind: ScopeKind, at position: Int) -> PlanningSnapshot.Part? {
        kind == .tomogram ? nil : parts[kind]?[position]
    }

    /// The position of the tomogram that a scope is, or is part of.
    func tomogram(of kind: ScopeKind, at position: Int) -> Int {
        kind == .tomogram ? position : Int(parts[kind]?[position].tomogram ?? 0)
    }

    /// What a scope is called among others of its tomogram: empty for the tomogram itself.
    func label(of kind: ScopeKind, at position: Int) -> String {
        guard let part = part(of: kind, at: position) else { return "" }
        return switch kind {
        case .tomogram: ""
        case .annotation: "annotation \(part.id)"
        case .slab: "z \(part.z.lowerBound)..<\(part.z.upperBound)"
        case .slice: "z \(part.z.lowerBound)"
        }
    }

    /// Whether steps on two kinds of scope can read from one another.
    static func areRelated(_ a: ScopeKind, _ b: ScopeKind) -> Bool {
        a == b || a == .tomogram || b == .tomogram || (a != .annotation && b != .annotation)
    }

    /// Whether a scope of one kind has exactly one related scope of another: itself, or its tomogram.
    static func isSingular(from kind: ScopeKind, to other: ScopeKind) -> Bool { kind == other || other == .tomogram }

    /// Calls the closure with the positions of all scopes of another kind that have to do with a scope: the relation is
    /// symmetric.
    func forEachRelated(to kind: ScopeKind, at position: Int, of other: ScopeKind, _ body: (Int) -> Void) {
        if kind == other { return body(position) }
        let tomogram = tomogram(of: kind, at: position)
        if other == .tomogram { return body(tomogram) }
        guard let first = firstPart[other], let candidates = parts[other] else { return }
        let mine = part(of: kind, at: position)?.z
        for candidate in Int(first[tomogram])..<Int(first[tomogram + 1]) {
            if let mine, !mine.overlaps(candidates[candidate].z) { continue }
            body(candidate)
        }
    }
}

extension ScopeIndex {
    /// The position of a tomogram, by bisection.
    func tomogramPosition(ofID id: Int64) -> Int? {
        var (low, high) = (0, tomograms.count)
        while low < high {
            let middle = (low + high) / 2
            if tomograms[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < tomograms.count && tomograms[low].id == id ? low : nil
    }

    /// The position of a scope.
    func position(of kind: ScopeKind, id: Int64, tomogramID: Int64) -> Int? {
        guard let tomogram = tomogramPosition(ofID: tomogramID) else { return nil }
        if kind == .tomogram { return tomogram }
        var found: Int?
        forEachRelated(to: .tomogram, at: tomogram, of: kind) { if self.id(of: kind, at: $0) == id { found = $0 } }
        return found
    }
}
