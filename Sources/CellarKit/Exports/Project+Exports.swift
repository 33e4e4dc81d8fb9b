import Basics
import Catalog
import CatalogSchema
import Engine
import Pipeline
public import Volumes

/// A file that was written from results.
public struct Export: Sendable {
    /// What the file holds, in one line: `96 × 96 × 48, segment: 1 membrane`.
    public let contents: String
    /// The results that it was written from; nil where it cannot be said.
    public let results: ExportedResults?
}

/// A step whose results can be written: people choose it by the step's name.
public protocol ResultSource: CaseIterable, Sendable {
    /// The name of the step.
    var step: String { get }
}

/// The labels that are written: the classes that the network found, or pseudo-labels.
public enum ExportedLabels: ResultSource {
    /// The classes that the network found in the whole tomogram.
    case segmentation
    /// The pseudo-labels of its slabs.
    case pseudoLabels

    public var step: String { self == .segmentation ? SegmentStep.name : PseudoLabelsStep.name }
}

/// The map that is written: the feature map of slabs, structures bright, or one of a class of the segmentation.
public enum ExportedMap: ResultSource {
    /// The feature map of slabs, after smoothing along z.
    case features
    /// A map of one class of the segmentation.
    case segmentation

    /// What of a class is written.
    public enum Quantity: String, CaseIterable, Sendable {
        /// The mean over networks and copies of blocks.
        case probability
        /// The standard deviation over these.
        case uncertainty
    }

    public var step: String { self == .features ? ConsistencyStep.name : SegmentStep.name }
}

/// The particles that are written: those that the picker found, or those of pseudo-labels.
public enum ExportedPoints: ResultSource {
    /// Particles that the picker found in the whole tomogram.
    case picks
    /// Particles of the pseudo-labels of its slabs.
    case pseudoLabels

    public var step: String { self == .picks ? PickStep.name : PseudoLabelsStep.name }
}

extension Project {
    /// Writes the classes of a tomogram's voxels as a volume of integers, MRC or OME-Zarr: 0 is ground.
    ///
    /// - Parameters:
    ///   - name: of the tomogram: its name, `dataset/name`, or `id:N`.
    ///   - source: nil for the segmentation where there is one, and else the pseudo-labels.
    ///   - numbersObjects: whether each voxel gets the number of its object instead of its class; of pseudo-labels only.
    ///   - thicknessInAngstroms: the full width at which membranes of a segmentation are drawn around their centre surfaces,
    ///     without running a network; nil for as the network found them. Other classes stay as they are.
    /// - Throws: `CatalogError` where there is no such tomogram or result, or no voxel size; `PipelineError` where there is
    ///   no membrane to draw; `ImageError` where it cannot be drawn so thick; `VolumeError` where the file cannot be written.
    /// - Complexity: reads and writes the volume once, in blocks of 32 MiB.
    public func exportLabels(
        of name: String, from source: ExportedLabels? = nil, numbersObjects: Bool = false, thicknessInAngstroms: Double? = nil,
        to output: VolumeOutput
    ) throws -> Export {
        let export = try TomogramExport(self, of: name)
        if let thicknessInAngstroms {
            return try export.writeDrawn(thicknessInAngstroms: thicknessInAngstroms, to: output)
        }
        if !numbersObjects, source != .pseudoLabels {
            if let labels = try export.source.standing.content(SegmentStep.self, \.labels, scopeID: export.source.id) {
                let results = try export.write(
                    labels.volume(), step: SegmentStep.name, label: "labels by \(SegmentStep.name)", reduction: .first, to: output
                )
                return Export(
                    contents: "\(export.source.shape), \(SegmentStep.name): \(labels.classes.sentence)", results: results)
            }
            if source == .segmentation { throw export.source.missing(SegmentStep.name) }
        }
        let slabs = try export.source.standing.slabContents(PseudoLabelsStep.self, \.labels, ofTomogram: export.source.id).map {
            slab in
            (z: slab.z, volume: try numbersObjects ? slab.content.objectVolume() : slab.content.classVolume())
        }
        let results = try export.writeSlabs(
            slabs, step: PseudoLabelsStep.name, noun: numbersObjects ? "objects" : "classes", reduction: .first,
            hasNumbers: numbersObjects, to: output)
        return Export(
            contents: "\(export.source.shape), \(PseudoLabelsStep.name) of \(Self.slabs(slabs.count))", results: results)
    }

    /// Writes a map of a tomogram as a volume of float32, 0 to 1, MRC or OME-Zarr.
    ///
    /// - Parameters:
    ///   - quantity: what of a class of the segmentation is written.
    ///   - className: the class; nil for the only one.
    /// - Throws: `CatalogError` where there is no such tomogram or result, `PipelineError` where there is no such class, `VolumeError`
    ///   where the file cannot be written.
    /// - Complexity: reads and writes the volume once, in blocks of 32 MiB.
    public func exportMap(
        of name: String, _ source: ExportedMap, _ quantity: ExportedMap.Quantity = .probability, class className: String? = nil,
        to output: VolumeOutput
    ) throws -> Export {
        let export = try TomogramExport(self, of: name)
        switch source {
        case .features:
            let slabs = try export.source.standing.slabContents(ConsistencyStep.self, \.maps, ofTomogram: export.source.id).map {
                slab in
                (z: slab.z, volume: try slab.content.volume())
            }
            let results = try export.writeSlabs(
                slabs, step: ConsistencyStep.name, noun: "maps", reduction: .mean, to: output)
            return Export(contents: "\(export.source.shape), feature map of \(Self.slabs(slabs.count))", results: results)
        case .segmentation:
            let tomogram = export.source.tomogram.name
            guard let maps = try export.source.standing.content(SegmentStep.self, \.probability, scopeID: export.source.id) else {
                guard try export.source.standing.has(SegmentStep.self, scopeID: export.source.id) else {
                    throw export.source.missing(SegmentStep.name)
                }
                throw CatalogError(
                    .invalid,
                    "the probabilities of \(tomogram) were dropped by `cellar gc` to save disk; they come back when `cellar run` segments "
                        + "it anew")
            }
            let label = try maps.classes.label(of: className, in: "the segmentation of \(tomogram)")
            let noun = "\(quantity) of \(maps.classes.names[label - 1])"
            let volume =
                try quantity == .probability ? maps.volume(ofLabel: label) : maps.uncertainty(ofLabel: label, of: tomogram)
            let results = try export.write(volume, step: SegmentStep.name, label: noun, reduction: .mean, to: output)
            return Export(contents: "\(export.source.shape), \(noun)", results: results)
        }
    }

    /// Writes a tomogram itself, MRC or OME-Zarr, for programs that do not read its format. Voxels keep their type, as far as the format
    /// has it.
    ///
    /// - Parameter name: of the tomogram: its name, `dataset/name`, or `id:N`.
    /// - Throws: `CatalogError` where there is no such tomogram; `VolumeError` where it cannot be read, MRC has no mode for its
    ///   voxels, or the file cannot be written.
    /// - Complexity: reads and writes the volume once.
    public func exportTomogram(_ name: String, to output: VolumeOutput) throws -> Export {
        let record = try catalog.collection.tomogram(named: name)
        let volume = try record.location.open()
        let voxelSize = try catalog.collection.effectiveVoxelSize(ofTomogram: try record.requiredID)
        try output.write(
            volume, label: record.name, lines: volume.header.labels, voxelSize: voxelSize, reduction: .mean)
        let size = voxelSize.map { ", voxel size \($0)" } ?? ", no voxel size"
        return Export(contents: "\(volume.shape), \(volume.scalarType)\(size)", results: nil)
    }

    private static func slabs(_ count: Int) -> String { "\(count) slab\(count == 1 ? "" : "s")" }

    /// Writes the centres of particles: STAR (RELION 5), CSV, copick's JSON, or the CryoET Data Portal's ndjson, by the file's extension.
    ///
    /// - Parameters:
    ///   - source: nil for the picker's where there are any, and else those of pseudo-labels.
    ///   - className: only objects of this class, also those that are no particles; nil for all particles.
    ///   - leastConfidence: only objects of at least this confidence; those without one are left out then. What people accepted or
    ///     added stays.
    ///   - kind: only particles of the kinds of this name, which is their class in the file; nil for all. What people added has none.
    ///   - isCurated: whether what people rejected is left out, and what they added is written, with a score of 1; false for what
    ///     was found.
    ///   - convention: the meaning of coordinates; nil for the one that is usual in such a file.
    /// - Throws: `CatalogError` where there is no such tomogram or result, or no voxel size; `VolumeError` where the file cannot
    ///   be written.
    public func exportPoints(
        of name: String, from source: ExportedPoints? = nil, class className: String? = nil, leastConfidence: Double? = nil,
        kind: String? = nil, isCurated: Bool = true, convention: CoordinateConvention? = nil, to output: OutputFile
    ) throws -> Export {
        guard kind == nil || source != .pseudoLabels else {
            throw CatalogError(
                .invalid, "pseudo-labels have no kinds; leave out --step \(ExportedPoints.pseudoLabels.step), or --kind")
        }
        let exported = try TomogramResults(self, of: name).points(
            from: kind == nil ? source : .picks, class: className, leastConfidence: leastConfidence, kind: kind,
            isCurated: isCurated)
        try PointFile.write(
            PointSet(points: exported.points, convention: .angstrom), to: output, convention: convention,
            voxelSize: exported.voxelSize, shape: exported.shape)
        return Export(
            contents:
                "\(exported.points.count) points of \(exported.step)\(kind.map { ", of the kind \($0)" } ?? "")\(exported.curation)",
            results: exported.results)
    }
}

/// The points that are written of a tomogram, in Å.
struct ExportedPointSet {
    let points: [PickedPoint]
    let step: String
    let voxelSize: VoxelSize
    let shape: VolumeShape
    let results: ExportedResults
    /// What people changed: `, 2 rejected left out, 1 added`; empty where nothing.
    let curation: String
}

extension TomogramResults {
    /// The centres of particles; see ``Project/exportPoints(of:from:class:leastConfidence:kind:isCurated:convention:to:)``.
    func points(
        from source: ExportedPoints?, class className: String? = nil, leastConfidence: Double? = nil, kind: String? = nil,
        isCurated: Bool = true
    ) throws -> ExportedPointSet {
        guard let source = try (source.map { [$0] } ?? ExportedPoints.allCases).first(where: hasPoints) else {
            throw missing((source ?? .pseudoLabels).step)
        }
        let results = try source == .picks ? provenance(of: source.step) : slabProvenance(of: source.step)
        guard let voxelSize = results.voxelSize else {
            throw CatalogError(
                .invalid, "\(tomogram.name) has no voxel size, which points need; add it again with --voxel-size")
        }
        // Particles have a radius; a piece of membrane has no centre that anybody would look for.
        let objects = try objects(of: source, voxelSize: voxelSize, class: className).filter {
            className != nil || $0.radiusInAngstroms != nil
        }
        let particles = isCurated ? try curated(objects, voxelSize: voxelSize, class: className) : objects.map { .init($0, nil) }
        let numbers = try kind.map { try project.picks(ofKind: $0, tomogram: tomogram) }
        let kept = particles.filter { particle in
            if let numbers, !(particle.number.map(numbers.contains) ?? false) { return false }
            guard particle.verdict == nil else { return particle.isParticle }
            return leastConfidence.map { $0 <= particle.score ?? -.infinity } ?? true
        }
        let points = kept.map { particle in
            PickedPoint(
                x: particle.centreInAngstroms.x, y: particle.centreInAngstroms.y, z: particle.centreInAngstroms.z,
                className: kind ?? particle.className, tomogramName: tomogram.name,
                score: particle.score ?? (particle.verdict == nil ? nil : 1), radiusInAngstroms: particle.radiusInAngstroms)
        }
        let (rejected, added) = (numbers == nil ? particles.count { !$0.isParticle } : 0, kept.count { $0.number == nil })
        let curation = [(rejected, "rejected left out"), (added, "added")].map { $0 > 0 ? ", \($0) \($1)" : "" }.joined()
        return ExportedPointSet(
            points: points, step: source.step, voxelSize: voxelSize, shape: shape, results: results,
            curation: curation)
    }

    /// Whether a step that finds particles has a result for the tomogram.
    func hasPoints(_ source: ExportedPoints) throws -> Bool {
        switch source {
        case .picks: try standing.has(PickStep.self, scopeID: id)
        case .pseudoLabels:
            try project.catalog.collection.slabs(ofTomogram: id).contains { slab in
                try slab.id.map { try standing.has(PseudoLabelsStep.self, scopeID: $0) } ?? false
            }
        }
    }
}
