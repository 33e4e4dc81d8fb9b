import Basics
import Catalog
import CatalogSchema
import CellarKit
import Engine
import Pipeline
import Volumes

/// The layers of a tomogram that are particles, and those of annotations, which are points or labels.
struct LayerPoints {
    private let project: Project
    private let tomogram: OpenTomogram

    /// The radius in voxels of a point whose radius nobody knows.
    static let unknownRadius = 4.0

    init(_ project: Project, _ tomogram: OpenTomogram) { (self.project, self.tomogram) = (project, tomogram) }

    // MARK: Particles

    /// The particles of the picker, or those of pseudo-labels, and what people say of them. Where nothing was picked, those that
    /// people added.
    func particles(_ family: LayerFinder.Family) throws -> [FoundLayer] {
        let isPicks = family == .particles
        let step = isPicks ? PickStep.name : PseudoLabelsStep.name
        var classes: Set<String> = []
        try project.query(
            "SELECT DISTINCT class FROM v_object WHERE tomogram_id = \(tomogram.id) AND step = \(step.sqlLiteral) "
                + "AND radius IS NOT NULL"
        ) { row in
            if case .text(let name)? = row.first { classes.insert(name) }
        }
        guard isPicks || !classes.isEmpty else { return [] }
        classes.formUnion(try project.catalog.collection.curation(ofTomogram: tomogram.id).map(\.class))
        guard !classes.isEmpty else { return [] }
        let shape = tomogram.volume.shape
        let slices =
            isPicks ? [0..<shape.z] : try project.catalog.collection.slabs(ofTomogram: tomogram.id).map { $0.zFirst..<$0.zEnd }
        let layer = ViewerLayer(
            id: family.rawValue, label: isPicks ? "particles" : "particles of pseudo-labels", kind: .points, step: step,
            values: LayerFinder.values(classes.sorted()), slices: slices.mergedPairs, alpha: 1)
        let (project, tomogram) = (project, tomogram)
        let source: ExportedPoints = isPicks ? .picks : .pseudoLabels
        return [FoundLayer(layer: layer, content: .points({ try LayerPoints(project, tomogram).particles(from: source) }))]
    }

    /// The particles of a step in voxels of the size by which they were computed, with the verdicts on them, also what was
    /// rejected.
    private func particles(from source: ExportedPoints) throws -> [ViewerPoint] {
        let catalog = project.catalog
        let scope = source == .picks ? tomogram.id : try catalog.collection.slabs(ofTomogram: tomogram.id).first?.id
        let computed = try scope.flatMap { try catalog.results.provenance(step: source.step, scopeID: $0)?.voxelSize }
        guard let voxelSize = try computed ?? catalog.collection.effectiveVoxelSize(ofTomogram: tomogram.id) else {
            throw CatalogError(
                .invalid, "\(tomogram.record.name) has no voxel size, which points need; add it again with --voxel-size")
        }
        return try project.particles(of: "\(CatalogReference.idPrefix)\(tomogram.id)", from: source).enumerated().map {
            index, particle in
            let centre = particle.centreInAngstroms
            // A number is one of the picker's, or of a slab's; what only people say has none.
            let number = source == .picks ? particle.number.map(Int64.init) : Int64(index + 1)
            return ViewerPoint(
                id: number ?? -(particle.verdict?.id ?? Int64(index + 1)), class: particle.className,
                x: centre.x / voxelSize.xInAngstroms, y: centre.y / voxelSize.yInAngstroms, z: centre.z / voxelSize.zInAngstroms,
                radius: particle.radiusInAngstroms.map { $0 / voxelSize.xInAngstroms } ?? Self.unknownRadius,
                score: particle.score,
                state: particle.verdict?.verdict.rawValue)
        }
    }

    // MARK: Annotations

    /// - Parameter wanted: the id of the only layer that is looked for; nil for all.
    func annotations(_ family: LayerFinder.Family, wanted: String?) throws -> [FoundLayer] {
        var found: [(id: Int64, author: String?)] = []
        try project.query("SELECT id, author FROM v_annotation WHERE tomogram_id = \(tomogram.id) ORDER BY id") { row in
            guard row.count == 2, let id = row[0].integer else { return }
            if case .text(let author) = row[1] { found.append((id, author)) } else { found.append((id, nil)) }
        }
        return try found.compactMap { id, author in
            let layerID = "\(family.rawValue).\(id)"
            guard wanted == nil || wanted == layerID, let content = try project.catalog.collection.annotationContent(id: id)
            else {
                return nil
            }
            let title = author.map { ", \($0)" } ?? ""
            return switch content.record.kind {
            case .labels: labels(content, id: layerID, title: title)
            case .points: points(content, id: layerID, title: title)
            }
        }
    }

    private func labels(_ content: Catalog.AnnotationContent, id: String, title: String) -> FoundLayer {
        let names = content.classes.map(\.name)
        let values = content.classes.compactMap { item in
            item.value.flatMap { (1...255).contains($0) ? ViewerLayer.Value(value: Int($0), name: item.name) : nil }
        }
        let shape = tomogram.volume.shape
        let layer = ViewerLayer(
            id: id, label: "labels: \(names.joined(separator: ", "))\(title)", kind: .labels,
            values: values.sorted { $0.value < $1.value },
            slices: [0..<shape.z].mergedPairs, alpha: 0.5)
        let location = VolumeLocation(path: content.record.path, member: content.record.member)
        let (threshold, name) = (content.record.threshold, "labels of \(tomogram.record.name)")
        let version = Digest(of: OpenTomograms.version(of: location).utf8)
        let volume = LayerVolume(id, [content.record.digest, version], .labels) {
            let labels = try LabelVolume(location.open(), threshold: threshold)
            guard labels.shape == shape else {
                throw CatalogError(
                    .invalid,
                    "the labels in \(location) have \(labels.shape) voxels, and \(name.dropFirst(10)) has \(shape); "
                        + "annotate it again with labels of its size")
            }
            return SliceStack(labels, name: name)
        }
        return FoundLayer(layer: layer, content: .volume(volume))
    }

    private func points(_ content: Catalog.AnnotationContent, id: String, title: String) -> FoundLayer {
        let names = content.classes.map(\.name)
        let layer = ViewerLayer(
            id: id, label: "points: \(names.joined(separator: ", "))\(title)", kind: .points, values: LayerFinder.values(names),
            slices: [0..<tomogram.volume.shape.z].mergedPairs, alpha: 1)
        let (project, tomogram) = (project, tomogram)
        return FoundLayer(layer: layer, content: .points({ try LayerPoints(project, tomogram).points(of: content) }))
    }

    private func points(of content: Catalog.AnnotationContent) throws -> [ViewerPoint] {
        let voxelSize = try project.catalog.collection.effectiveVoxelSize(ofTomogram: tomogram.id)
        guard let convention = CoordinateConvention(rawValue: content.record.convention ?? ""),
            let set = PointSet(
                points: content.points.map { PickedPoint(x: $0.x, y: $0.y, z: $0.z) }, convention: convention
            ).inVoxels(voxelSize: voxelSize, shape: tomogram.volume.shape)
        else {
            throw CatalogError(
                .invalid, "\(tomogram.record.name) has no voxel size, which its points need; add it again with --voxel-size")
        }
        let radii = Dictionary(
            content.classes.map { ($0.name, $0.radiusAngstrom) }, uniquingKeysWith: { first, _ in first })
        return zip(content.points, set.points).enumerated().map { index, pair in
            let (record, point) = pair
            let radius = (radii[record.class] ?? nil).flatMap { radius in voxelSize.map { radius / $0.xInAngstroms } }
            return ViewerPoint(
                id: Int64(index + 1), class: record.class, x: point.x, y: point.y, z: point.z,
                radius: radius ?? Self.unknownRadius,
                score: record.score)
        }
    }
}
