import Catalog
import CatalogSchema
import Engine
import ImageProcessing
import Pipeline
import Volumes

/// What can be drawn of a tomogram in three dimensions: classes of voxels as surfaces, particles as balls.
struct MeshParts {
    /// A volume in which each voxel has a class.
    struct Labels {
        /// The first one has the label 1.
        let classes: [String]
        /// nil for annotations.
        let results: ExportedResults?
        /// Opens the volume, and returns what gives the labels of a slice `[y][x]`, 0 for none.
        let open: () throws -> (_ z: Int) throws -> [UInt16]
    }

    /// Particles in Å.
    struct Particles {
        let classes: [String]
        let points: [PickedPoint]
        /// nil for annotations.
        let results: ExportedResults?

        /// The particles of a class whose radius is known.
        func balls(ofClass name: String) -> [PickedPoint] {
            points.filter { $0.className == name && $0.radiusInAngstroms ?? 0 > 0 }
        }
    }

    let tomogram: String
    let shape: VolumeShape
    /// What has these classes, for messages: `the results of TS_0008`.
    let owner: String
    /// Of several with one class, the last counts.
    private(set) var labels: [Labels] = []
    private(set) var particles: [Particles] = []
    private(set) var remarks: [String] = []
    /// Of today, for annotations.
    let voxelSize: VoxelSize?

    /// All classes, those of voxels first. The colour of a class is that of its place.
    var classes: [String] {
        var names: [String] = []
        for name in labels.flatMap(\.classes) + particles.flatMap(\.classes) where !names.contains(name) { names.append(name) }
        return names
    }

    private init(_ results: TomogramResults, owner: String) throws {
        (tomogram, shape) = (results.tomogram.name, results.shape)
        self.owner = "\(owner) of \(tomogram)"
        voxelSize = try results.project.catalog.collection.effectiveVoxelSize(ofTomogram: results.id)
    }
}

// MARK: Results

extension MeshParts {
    /// What was found: the segmentation where there is one, and else pseudo-labels; the picker's particles, or those of
    /// pseudo-labels.
    ///
    /// - Throws: `CatalogError` where there is no result, or it has another size than the tomogram.
    init(resultsOf results: TomogramResults) throws {
        try self.init(results, owner: "the results")
        let hasSegmentation = try addSegmentation(of: results)
        let hasPseudoLabels = try !hasSegmentation && addPseudoLabels(of: results)
        let sources = [(ExportedPoints.picks, true), (.pseudoLabels, hasPseudoLabels)].filter(\.1).map(\.0)
        if let source = try sources.first(where: results.hasPoints) {
            let set = try results.points(from: source)
            let picks = try results.standing.content(PickStep.self, \.particles, scopeID: results.id)
            let names = source == .picks ? picks?.classes ?? [] : PseudoLabels.classes
            let others = Set(set.points.compactMap(\.className)).subtracting(names).sorted()
            particles = [Particles(classes: names + others, points: set.points, results: set.results)]
        }
        guard !labels.isEmpty || !particles.isEmpty else { throw results.missing(SegmentStep.name) }
    }

    private mutating func addSegmentation(of results: TomogramResults) throws -> Bool {
        guard let segmentation = try results.standing.content(SegmentStep.self, \.labels, scopeID: results.id) else {
            return false
        }
        guard segmentation.shape == shape else { throw results.otherSize(SegmentStep.name) }
        labels.append(
            Labels(classes: segmentation.classes.names, results: try results.provenance(of: SegmentStep.name)) {
                { z in try segmentation.labels(z).values.map { UInt16($0) } }
            })
        return true
    }

    private mutating func addPseudoLabels(of results: TomogramResults) throws -> Bool {
        let slabs = try results.standing.slabContents(PseudoLabelsStep.self, \.labels, ofTomogram: results.id).map { slab in
            (z: slab.z, volume: try slab.content.classVolume())
        }
        guard !slabs.isEmpty else { return false }
        for slab in slabs where slab.volume.lengths != [slab.z.count, shape.y, shape.x] {
            throw results.otherSize(PseudoLabelsStep.name)
        }
        let volume = AssembledVolume(slabs, shape: shape, name: "\(PseudoLabelsStep.name) of \(tomogram)")
        labels.append(
            Labels(classes: PseudoLabels.classes, results: try results.slabProvenance(of: PseudoLabelsStep.name)) {
                { z in try volume.readSlice(z: z).bytes.map { UInt16($0) } }
            })
        let covered = Set(slabs.flatMap(\.z)).count
        if covered < shape.z {
            remarks.append(
                "\(PseudoLabelsStep.name) cover \(covered) of \(shape.z) slices of \(tomogram): surfaces end where slabs end, "
                    + "and are closed there")
        }
        return true
    }
}

// MARK: Annotations

extension MeshParts {
    /// What people or other programs annotated.
    ///
    /// - Throws: `CatalogError` where there is no annotation, or points need a voxel size that is not known.
    init(annotationsOf results: TomogramResults) throws {
        try self.init(results, owner: "the annotations")
        let catalog = results.project.catalog
        // By their ids: in the order in which they were added.
        for id in try results.project.select(where: "tomogram_id = \(results.id)", in: "v_annotation") ?? [] {
            guard let content = try catalog.collection.annotationContent(id: id) else { continue }
            switch content.record.kind {
            case .labels: labels.append(volume(content))
            case .points: particles.append(try points(content))
            }
        }
        guard !labels.isEmpty || !particles.isEmpty else {
            throw CatalogError(.invalid, "\(tomogram) has no annotation; `cellar annotate \(tomogram)` adds one")
        }
    }

    private func volume(_ content: Catalog.AnnotationContent) -> Labels {
        let classes = content.classes.filter { $0.value != nil }
        let (shape, tomogram) = (shape, tomogram)
        return Labels(classes: classes.map(\.name), results: nil) {
            let location = VolumeLocation(path: content.record.path, member: content.record.member)
            let volume = try LabelVolume(location.open(), threshold: content.record.threshold)
            guard volume.shape == shape else {
                throw CatalogError(
                    .invalid, "the labels \(location) are \(volume.shape) voxels, \(tomogram) \(shape); annotate it again")
            }
            let table = Dictionary(
                classes.enumerated().map { ($1.value ?? 0, UInt16(clamping: $0 + 1)) }, uniquingKeysWith: { first, _ in first })
            return { z in
                // Neighbouring voxels mostly have the same value, and a look-up in a dictionary is slow.
                var (last, label): (Int64, UInt16) = (0, table[0] ?? 0)
                return try volume.slice(z).map { value in
                    if value != last { (last, label) = (value, table[value] ?? 0) }
                    return label
                }
            }
        }
    }

    private func points(_ content: Catalog.AnnotationContent) throws -> Particles {
        guard let convention = CoordinateConvention(rawValue: content.record.convention ?? "") else {
            throw CatalogError(
                .invalid,
                "the points \(content.record.path) are written in a convention that is not known here; annotate \(tomogram) again"
            )
        }
        guard let voxelSize else {
            throw CatalogError(
                .invalid, "\(tomogram) has no voxel size, which points need; add it again with --voxel-size")
        }
        let radii = Dictionary(content.classes.map { ($0.name, $0.radiusAngstrom) }, uniquingKeysWith: { first, _ in first })
        let points = content.points.map { point in
            PickedPoint(
                x: point.x, y: point.y, z: point.z, className: point.class, score: point.score,
                radiusInAngstroms: radii[point.class] ?? nil)
        }
        return Particles(
            classes: content.classes.map(\.name),
            points: PointSet(points: points, convention: convention).inAngstroms(voxelSize: voxelSize, shape: shape).points,
            results: nil)
    }
}
