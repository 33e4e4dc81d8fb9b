import Basics
import Catalog
public import CatalogSchema
import Foundation
import Pipeline
import Volumes

/// Where a particle is that a person judges.
public enum CurationPlace: Sendable, Hashable {
    /// x, y, z in voxels of the tomogram, from the centre of the first one.
    case voxels(SIMD3<Double>)
    /// x, y, z in Å from there, by the voxel size that the tomogram has now.
    case angstroms(SIMD3<Double>)
}

/// What people say of single particles (`v_curation`): positions, so that nothing is lost when results are computed again.
extension Project {
    /// The name of the user of this process, as verdicts have it.
    public static var userName: String {
        let name = ProcessInfo.processInfo.userName
        return name.isEmpty ? "somebody" : name
    }

    /// Rejects or accepts a particle, or adds one. Of several verdicts on one particle the last one counts.
    ///
    /// What is rejected or accepted is the nearest thing of the class in whose ball the place lies: a particle that was found, or
    /// one that was judged before. Its own position is kept, with its confidence. A particle is added where nothing was found.
    ///
    /// - Parameters:
    ///   - name: of the tomogram: its name, `dataset/name`, or `id:N`.
    ///   - author: the name of the user.
    /// - Returns: the row that was written.
    /// - Throws: `CatalogError` where there is no such tomogram or class, the tomogram has no voxel size, the place is not finite
    ///   or outside of the tomogram, or nothing is there that could be rejected or accepted.
    @discardableResult
    public func curate(
        _ name: String, _ verdict: CurationRecord.Verdict, class className: String, at place: CurationPlace,
        by author: String = Project.userName
    ) throws -> CurationRecord {
        let results = try TomogramResults(self, of: name)
        let voxelSize = try results.requiredVoxelSize()
        let position =
            switch place {
            case .voxels(let position): position
            case .angstroms(let position): position / voxelSize.vectorInAngstroms
            }
        var new = NewCuration(className: className, positionInVoxels: position, verdict: verdict)
        try new.check(in: results.shape, of: results.tomogram.name)
        try checkClass(className)
        let found = try ExportedPoints.allCases.compactMap { try results.found($0, class: className) }
        let radii = MatchingRadii(self, found.flatMap(\.objects))
        var radius = try radii.radius(className)
        if verdict != .added {
            let subjects =
                found.flatMap { found in
                    found.objects.map { object in
                        CurationSubject(
                            position: object.centroidInAngstroms / found.voxelSize.vectorInAngstroms,
                            radius: object.radiusInAngstroms.flatMap { $0 > 0 ? $0 : nil } ?? radius, score: object.confidence)
                    }
                }
                + (try catalog.collection.curation(ofTomogram: results.id, class: className)).map {
                    CurationSubject(position: $0.positionInVoxels, radius: radius, score: $0.score)
                }
            guard let subject = CurationSubject.nearest(to: position, among: subjects, voxelSize: voxelSize) else {
                throw CatalogError(
                    .notFound,
                    "no \(className) was found, or added, within \(radius.rounded()) Å of "
                        + "(\(position.x), \(position.y), \(position.z)) in \(results.tomogram.name), which could be "
                        + "\(verdict.rawValue); positions are x, y, z in voxels from 0, and `cellar curate --add` adds a particle"
                )
            }
            (new.positionInVoxels, new.score, radius) = (subject.position, subject.score, subject.radius)
            // A centre between the outermost voxels' centres and their faces, and rounding, are no reason to refuse.
            new.clamp(to: results.shape)
        }
        let written = try catalog.collection.curate(
            tomogramID: results.id, [new], by: author, reach: .init(voxelSize: voxelSize, radiusInAngstroms: radius))
        guard let record = written.first else { throw CatalogError(mistake: .storage, "the verdict was not written") }
        return record
    }

    /// Accepts all particles of a class that have at least a score and were not judged yet: what is rejected stays so.
    ///
    /// - Parameters:
    ///   - name: of the tomogram: its name, `dataset/name`, or `id:N`.
    ///   - leastScore: the least confidence.
    ///   - author: the name of the user.
    /// - Returns: the rows that were written: of the picker's particles where there are any, and else of those of pseudo-labels.
    /// - Throws: `CatalogError` where there is no such tomogram, class or result, or the score is not finite.
    public func acceptAll(
        _ name: String, class className: String, above leastScore: Double, by author: String = Project.userName
    ) throws -> [CurationRecord] {
        guard leastScore.isFinite else { throw CatalogError(.invalid, "\(leastScore) is no score; give a number from 0 to 1") }
        let results = try TomogramResults(self, of: name)
        try checkClass(className)
        for source in ExportedPoints.allCases {
            guard let found = try results.found(source, class: className) else { continue }
            let unjudged = try results.curated(found.objects, voxelSize: found.voxelSize, class: className).filter {
                $0.number != nil && $0.verdict == nil && $0.score ?? -.infinity >= leastScore
            }
            return try catalog.collection.curate(
                tomogramID: results.id,
                unjudged.map { particle in
                    var new = NewCuration(
                        className: className, positionInVoxels: particle.centreInAngstroms / found.voxelSize.vectorInAngstroms,
                        verdict: .accepted, score: particle.score)
                    new.clamp(to: results.shape)
                    return new
                }, by: author)
        }
        throw results.missing(ExportedPoints.pseudoLabels.step)
    }

    /// Removes verdicts, all of them or none; what they replaced counts again.
    ///
    /// - Throws: `CatalogError` where one of them is not there.
    @discardableResult
    public func removeCuration(_ ids: [Int64]) throws -> [CurationRecord] { try catalog.collection.removeCuration(ids: ids) }

    /// - Throws: `CatalogError` where nothing in the catalog, nor the recipe, has particles of the class.
    private func checkClass(_ className: String) throws {
        let known = try catalog.collection.particleClasses()
        if known.contains(className) { return }
        // A recipe that is not understood knows no classes.
        let wanted = (try? TrainParticlesStep.classes(of: recipe())) ?? []
        if wanted.contains(className) { return }
        let kinds = Set(try catalog.collection.kindNames().values)
        if kinds.contains(className) { return }
        let all = kinds.union(known).union(wanted).sorted()
        throw CatalogError(
            .notFound,
            "there is no class \(className) of particles"
                + (all.isEmpty ? "" : ", but \(all.joined(separator: ", "))")
                + "; \(TrainParticlesStep.name).classes of the recipe names those that a picker learns")
    }
}

/// Something that can be rejected or accepted.
private struct CurationSubject {
    /// In voxels.
    let position: SIMD3<Double>
    /// In Å.
    let radius: Double
    let score: Double?

    /// The nearest one in whose ball a position in voxels lies; of several at one place the first.
    static func nearest(
        to position: SIMD3<Double>, among subjects: [CurationSubject], voxelSize: VoxelSize
    ) -> CurationSubject? {
        let near = subjects.map { subject -> (subject: CurationSubject, distance: Double) in
            let offset = (subject.position - position) * voxelSize.vectorInAngstroms
            return (subject, (offset * offset).sum().squareRoot())
        }
        return near.filter { $0.distance <= $0.subject.radius }.min { $0.distance < $1.distance }?.subject
    }
}

extension NewCuration {
    /// Moves a position that lies just outside, as the centre of a particle at an edge may, to the nearest voxel.
    mutating func clamp(to shape: VolumeShape) {
        let last = SIMD3(Double(shape.x), Double(shape.y), Double(shape.z)) - 0.5
        positionInVoxels = positionInVoxels.clamped(lowerBound: SIMD3(repeating: -0.5), upperBound: last)
    }
}

extension TomogramResults {
    /// The voxel size that counts now.
    ///
    /// - Throws: `CatalogError` where none is known.
    func requiredVoxelSize() throws -> VoxelSize {
        guard let size = try project.catalog.collection.effectiveVoxelSize(ofTomogram: id) else {
            throw CatalogError(
                .invalid, "\(tomogram.name) has no voxel size, which particles need; add it again with --voxel-size")
        }
        return size
    }
}
