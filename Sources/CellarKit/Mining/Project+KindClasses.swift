import Basics
import Catalog
import CatalogSchema
import Foundation
import Pipeline

/// Particles of named kinds that became particles of classes.
public struct TaughtKinds: Sendable {
    /// The new verdicts of each class, in the order in which they were written; nothing of a class whose particles were judged before.
    public let verdicts: [String: [CurationRecord]]
    /// The median radius in Å of the particles of the kinds of each class that is named, whether they are new or not: verdicts have no radius, and
    /// training asks for one.
    public let radiiInAngstroms: [String: Double]
    /// The tomograms that were left out: their particles were not given the kinds that the recipe names since they were picked, or they have no voxel size.
    public let others: Int

    /// How many particles were added.
    public var count: Int { verdicts.values.reduce(0) { $0 + $1.count } }
}

extension Project {
    /// Makes named kinds classes that networks can learn: each of their particles is added to the class of that name, as by
    /// `cellar curate --add`, but where somebody judged a particle of the class there before.
    ///
    /// Each tomogram is written as a whole; what was interrupted goes on with the next call.
    ///
    /// - Parameters:
    ///   - names: of kinds; none for all that have a name.
    ///   - leastCertainty: of a particle's kind, 0 to 1.
    ///   - author: the name of the user.
    /// - Throws: `CatalogError` where no kind has such a name, or no tomogram has particles of the kinds that the recipe names.
    public func teachKinds(
        _ names: [String] = [], leastCertainty: Double = 0, by author: String = Project.userName
    ) throws -> TaughtKinds {
        let known = try catalog.collection.kindNames()
        if let missing = names.first(where: { !known.values.contains($0) }) {
            throw CatalogError(
                .notFound, "no kind is named \(missing); `cellar kind list` shows kinds, and `cellar kind name` names one")
        }
        let wanted = names.isEmpty ? known : known.filter { names.contains($0.value) }
        guard !wanted.isEmpty else {
            throw CatalogError(.notFound, "no kind has a name; `cellar kind list` shows kinds, and `cellar kind name` names one")
        }
        let tomograms = try tomogramsWithKinds()
        var (verdicts, others, measured) = ([String: [CurationRecord]](), 0, 0)
        var found: [String: [Double]] = [:]
        for (id, isCurrent) in tomograms {
            let computed = try catalog.results.provenance(step: PickStep.name, scopeID: id)?.voxelSize
            let objects = try catalog.results.objects(ofTomogram: id, step: MeasurePicksStep.name)
            guard isCurrent, objects.isEmpty || objects.contains(where: { $0.kind != nil }),
                let voxelSize = try computed ?? catalog.collection.effectiveVoxelSize(ofTomogram: id),
                let shape = try catalog.collection.shape(ofTomogram: id)
            else {
                others += 1
                continue
            }
            measured += 1
            let radii = MatchingRadii(self, objects)
            let standing = try catalog.collection.curation(ofTomogram: id)
            let new = try objects.compactMap { object -> NewCuration? in
                guard let kind = object.kind, kind.certainty >= leastCertainty, let name = wanted[kind.number] else { return nil }
                let radius = try object.radiusInAngstroms ?? radii.radius(object.class)
                found[name, default: []].append(radius)
                let isJudged = standing.contains { verdict in
                    guard verdict.class == name || verdict.class == object.class && !verdict.verdict.isParticle else {
                        return false
                    }
                    let offset = verdict.positionInVoxels * voxelSize.vectorInAngstroms - object.centroidInAngstroms
                    return (offset * offset).sum().squareRoot() <= radius
                }
                guard !isJudged else { return nil }
                var new = NewCuration(
                    className: name, positionInVoxels: object.centroidInAngstroms / voxelSize.vectorInAngstroms, verdict: .added)
                new.clamp(to: shape)
                return new
            }
            for record in try catalog.collection.curate(tomogramID: id, new, by: author) {
                verdicts[record.class, default: []].append(record)
            }
        }
        guard measured > 0 else {
            throw CatalogError(
                .notFound,
                "no particle that was picked has a kind; `cellar kind find` finds kinds, and `cellar run` gives each particle one"
            )
        }
        return TaughtKinds(
            verdicts: verdicts, radiiInAngstroms: found.mapValues { $0.sorted()[$0.count / 2] }, others: others)
    }

    /// The tomograms with picks, and whether these were given the kinds that the recipe names now.
    private func tomogramsWithKinds() throws -> [(id: Int64, isCurrent: Bool)] {
        let (name, _) = try knownKinds()
        let digest = try catalog.collection.model(named: name).digest
        let current = Set(try tomograms(withPicksOf: MeasurePicksStep.name).filter(\.isCurrent).map(\.id))
        var tomograms: [(id: Int64, isCurrent: Bool)] = []
        try query(
            """
            SELECT pick.scope_id, EXISTS (
                SELECT 1 FROM v_step AS own JOIN v_trace_input AS model USING (trace_id)
                WHERE own.step = :step AND own.scope_id = pick.scope_id AND model.kind = 'model' AND model.value = :digest)
            FROM v_step AS pick WHERE pick.step = :picker ORDER BY pick.scope_id
            """,
            parameters: [
                "step": .text(MeasurePicksStep.name), "picker": .text(PickStep.name), "digest": .text(digest.hexadecimal),
            ]
        ) { row in
            guard case .integer(let id)? = row.first else { return }
            tomograms.append((id, row[1] == .integer(1) && current.contains(id)))
        }
        return tomograms
    }
}
