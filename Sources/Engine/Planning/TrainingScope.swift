import Catalog
import CatalogSchema

/// The current training set in a plan: which of the plan's scopes are its members.
struct TrainingScope: Sendable {
    let id: Int64
    let name: String
    /// Whether the plan covers only part of its tomograms: then nothing is trained, and what was trained before stands.
    let isHeld: Bool
    /// Ascending positions of the members of each kind; none where it is held.
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

    /// The positions of its members of a kind: tomograms, of which it holds slabs or annotations; slabs, and their slices;
    /// annotations.
    func members(_ kind: ScopeKind) -> [Int32] { positions[kind] ?? [] }

    /// Whether a scope is a member, by bisection.
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
