import Basics
import Catalog
import CatalogSchema
import Foundation
import Pipeline

/// Particles of named kinds that became particles of classes.
public struct TaughtKinds: Sendable {
    /// The new verdicts of each class, in the order in which they were written; nothing of a class whose particles were judged before.
    public let verdicts: [String: [CurationRecord]]
    /// The tomograms that were left out: their particles have no kinds since they were picked, or no voxel size.
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
    /// - Throws: `CatalogError` where no kind has such a name, or no tomogram has particles with kinds.
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
        let tomograms = try tomograms(withPicksOf: MeasurePicksStep.name)
        var (verdicts, others, measured) = ([String: [CurationRecord]](), 0, 0)
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
            let standing = Dictionary(grouping: try catalog.collection.curation(ofTomogram: id), by: \.class)
            let new = try objects.compactMap { object -> NewCuration? in
                guard let kind = object.kind, kind.certainty >= leastCertainty, let name = wanted[kind.number] else { return nil }
                let radius = try object.radiusInAngstroms ?? radii.radius(object.class)
                let isJudged = (standing[name] ?? []).contains { verdict in
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
        return TaughtKinds(verdicts: verdicts, others: others)
    }
}
