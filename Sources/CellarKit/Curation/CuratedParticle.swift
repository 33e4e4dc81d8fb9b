import Catalog
public import CatalogSchema
import Pipeline
import Volumes

/// A particle of a tomogram with what people say of it: one that a step found, or one that people added.
public struct CuratedParticle: Sendable, Hashable {
    /// Its class.
    public let className: String
    /// x, y, z in Å from the centre of the first voxel.
    public let centreInAngstroms: SIMD3<Double>
    /// nil where nobody knows it.
    public let radiusInAngstroms: Double?
    /// The confidence of what was found; of what nothing found now, the one that it had when it was judged. nil where there is
    /// none.
    public let score: Double?
    /// Its number in `v_object`; nil where only people say that it is there.
    public let number: Int?
    /// The verdict that counts; nil where nobody judged it.
    public let verdict: CurationRecord?

    /// Whether it is one, as far as anybody says.
    public var isParticle: Bool { verdict?.verdict.isParticle ?? true }
}

extension CuratedParticle {
    init(_ object: FoundObject, _ verdict: CurationRecord?) {
        (className, centreInAngstroms, radiusInAngstroms) = (object.class, object.centroidInAngstroms, object.radiusInAngstroms)
        (score, number, self.verdict) = (object.confidence, object.number, verdict)
    }
}

/// The radii of particles by which verdicts are matched, by class.
struct MatchingRadii {
    /// For a class of which nobody says how large it is.
    static let usualInAngstroms = 100.0

    private let project: Project
    /// The median radius of objects at hand.
    private let found: [String: Double]

    init(_ project: Project, _ objects: [FoundObject]) {
        self.project = project
        found = Dictionary(grouping: objects.filter { ($0.radiusInAngstroms ?? 0) > 0 }, by: \.class).mapValues { objects in
            objects.compactMap(\.radiusInAngstroms).sorted()[objects.count / 2]
        }
    }

    /// The radius of a class in Å: as an annotation says, or the median of what was found, or what the recipe says of all
    /// particles; nil where none of them does.
    func known(_ className: String) throws -> Double? {
        if let radius = try project.catalog.collection.annotatedRadius(ofClass: className) ?? found[className] { return radius }
        // A recipe that is not understood says nothing of particles, and is the matter of those who run it.
        guard case .real(let radius)? = (try? project.recipe())?[TrainParticlesStep.radiusKey], radius > 0 else { return nil }
        return radius
    }

    func radius(_ className: String) throws -> Double { try known(className) ?? Self.usualInAngstroms }
}

extension TomogramResults {
    /// The particles that a step found, and the voxel size by which it did; nil where it has no result, or slabs were computed by
    /// several voxel sizes.
    func found(_ source: ExportedPoints, class className: String? = nil) throws -> (objects: [FoundObject], voxelSize: VoxelSize)?
    {
        guard try hasPoints(source) else { return nil }
        let (results, collection) = (project.catalog.results, project.catalog.collection)
        let scopes = try source == .picks ? [id] : collection.slabs(ofTomogram: id).compactMap(\.id)
        let sizes = try Set(scopes.compactMap { try results.provenance(step: source.step, scopeID: $0)?.voxelSize })
        guard sizes.count <= 1, let voxelSize = try sizes.first ?? collection.effectiveVoxelSize(ofTomogram: id) else {
            return nil
        }
        return (try objects(of: source, voxelSize: voxelSize, class: className), voxelSize)
    }

    /// The objects of a step that finds particles, each once.
    func objects(of source: ExportedPoints, voxelSize: VoxelSize, class className: String?) throws -> [FoundObject] {
        let results = project.catalog.results
        return switch source {
        case .picks: try results.objects(ofTomogram: id, step: source.step, class: className)
        case .pseudoLabels: try results.distinctObjects(ofTomogram: id, voxelSize: voxelSize, class: className)
        }
    }

    /// Objects with the verdicts on them, in their order, and then the particles that only people say are there, in the order in
    /// which they said so. What is rejected is among them.
    ///
    /// - Parameters:
    ///   - voxelSize: by which the objects were found; verdicts are in voxels.
    ///   - className: only verdicts on this class; nil for all.
    func curated(_ objects: [FoundObject], voxelSize: VoxelSize, class className: String?) throws -> [CuratedParticle] {
        let verdicts = try project.catalog.collection.curation(ofTomogram: id, class: className)
        guard !verdicts.isEmpty else { return objects.map { CuratedParticle($0, nil) } }
        let radii = MatchingRadii(project, objects)
        var radiusOfClass: [String: Double] = [:]
        for name in Set(objects.map(\.class)).union(verdicts.map(\.class)) { radiusOfClass[name] = try radii.radius(name) }
        let match = CurationMatch(
            verdicts.map { ($0.class, $0.positionInVoxels * voxelSize.vectorInAngstroms) },
            on: objects.map { object in
                let own = object.radiusInAngstroms.flatMap { $0 > 0 ? $0 : nil }
                return .init(
                    className: object.class, center: object.centroidInAngstroms,
                    radius: own ?? radiusOfClass[object.class] ?? MatchingRadii.usualInAngstroms)
            })
        let found = zip(objects, match.verdictOfParticle).map { object, verdict in
            CuratedParticle(object, verdict.map { verdicts[$0] })
        }
        // A particle that somebody accepted stays when it is not found any more.
        let added = try verdicts.indices.filter { match.particleOfVerdict[$0] == nil && verdicts[$0].verdict.isParticle }.map {
            let verdict = verdicts[$0]
            return CuratedParticle(
                className: verdict.class, centreInAngstroms: verdict.positionInVoxels * voxelSize.vectorInAngstroms,
                radiusInAngstroms: try radii.known(verdict.class), score: verdict.score, number: nil, verdict: verdict)
        }
        return found + added
    }
}

extension Project {
    /// The particles of a tomogram with the verdicts of people on them, also those that were rejected, and after them the particles
    /// that only people say are there.
    ///
    /// - Parameters:
    ///   - name: of the tomogram: its name, `dataset/name`, or `id:N`.
    ///   - source: whose particles; nil for the picker's where there are any, and else those of pseudo-labels.
    ///   - className: one class; nil for all objects that are particles.
    /// - Returns: nothing but what people added where no step has a result.
    /// - Throws: `CatalogError` where there is no such tomogram, or it has verdicts and no voxel size.
    /// - Complexity: some queries; no volume is read, and nothing is planned.
    public func particles(
        of name: String, from source: ExportedPoints? = nil, class className: String? = nil
    ) throws -> [CuratedParticle] {
        let results = try TomogramResults(self, of: name)
        for source in source.map({ [$0] }) ?? ExportedPoints.allCases {
            guard let found = try results.found(source, class: className) else { continue }
            let objects = found.objects.filter { className != nil || $0.radiusInAngstroms != nil }
            return try results.curated(objects, voxelSize: found.voxelSize, class: className)
        }
        guard try !catalog.collection.curation(ofTomogram: results.id, class: className).isEmpty else { return [] }
        return try results.curated([], voxelSize: results.requiredVoxelSize(), class: className)
    }
}
