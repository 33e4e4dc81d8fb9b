import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Pipeline
import Volumes

/// Results of a tomogram that are exported.
struct TomogramResults {
    let project: Project
    let standing: StandingResults
    let tomogram: TomogramRecord
    let id: Int64
    let shape: VolumeShape

    /// - Throws: `CatalogError` where there is no such tomogram.
    init(_ project: Project, of name: String) throws {
        tomogram = try project.catalog.collection.tomogram(named: name)
        id = try tomogram.requiredID
        guard let shape = try project.catalog.collection.shape(ofTomogram: id) else {
            throw CatalogError(.notFound, "there is no tomogram \(name); `cellar list tomograms` shows what there is")
        }
        (self.project, self.shape) = (project, shape)
        standing = try project.results()
    }

    /// The results of a step on the whole tomogram.
    func provenance(of step: String) throws -> ExportedResults { try provenance(of: step, [.init(scopeID: id, label: "")]) }

    /// The results of a step on slabs of the tomogram.
    func slabProvenance(of step: String) throws -> ExportedResults {
        let slabs = try project.catalog.collection.slabs(ofTomogram: id)
        return try provenance(
            of: step, slabs.compactMap { slab in slab.id.map { .init(scopeID: $0, label: "z \(slab.zFirst)..<\(slab.zEnd)") } })
    }

    private func provenance(of step: String, _ items: [ExportedResults.Item]) throws -> ExportedResults {
        try ExportedResults(project, step: step, items: items, owner: tomogram.name, tomogramID: id)
    }

    func missing(_ step: String) -> CatalogError {
        CatalogError(
            .invalid, "\(step) has no result for \(tomogram.name) at hand; `cellar run --until \(step)` computes it")
    }

    func otherSize(_ step: String) -> CatalogError {
        CatalogError(
            .invalid, "the result of \(step) for \(tomogram.name) has another size than the tomogram; `cellar run` renews it")
    }
}

/// Results of a tomogram that are written as a volume of its size.
struct TomogramExport {
    let source: TomogramResults

    /// - Throws: `CatalogError` where there is no such tomogram.
    init(_ project: Project, of name: String) throws { source = try TomogramResults(project, of: name) }

    private var shape: VolumeShape { source.shape }

    /// Writes the volumes of slabs, 0 where no slab is. Where slabs overlap, the one that was added first counts.
    ///
    /// - Parameters:
    ///   - noun: what the voxels are, for the file's header.
    ///   - reduction: how lower resolutions are made.
    ///   - hasNumbers: whether voxels are numbers of objects, which an image keeps as int32.
    func writeSlabs(
        _ slabs: [(z: Range<Int>, volume: StoredVolume)], step: String, noun: String, reduction: OMEZarrWriter.Reduction,
        hasNumbers: Bool = false, to output: VolumeOutput
    ) throws -> ExportedResults {
        let provenance = try source.slabProvenance(of: step)
        guard !slabs.isEmpty else { throw source.missing(step) }
        for slab in slabs where slab.volume.lengths != [slab.z.count, shape.y, shape.x] { throw source.otherSize(step) }
        try write(slabs, label: "\(noun) by \(step)", provenance, reduction: reduction, hasNumbers: hasNumbers, to: output)
        return provenance
    }

    /// Writes a volume of the whole tomogram.
    ///
    /// - Parameters:
    ///   - label: what the voxels are, for the file's header.
    ///   - reduction: how lower resolutions are made.
    func write(
        _ volume: StoredVolume, step: String, label: String, reduction: OMEZarrWriter.Reduction, to output: VolumeOutput
    ) throws -> ExportedResults {
        let provenance = try source.provenance(of: step)
        guard volume.lengths == [shape.z, shape.y, shape.x] else { throw source.otherSize(step) }
        try write([(0..<shape.z, volume)], label: label, provenance, reduction: reduction, hasNumbers: false, to: output)
        return provenance
    }

    /// Writes the segmentation with its membranes drawn at a thickness.
    func writeDrawn(thicknessInAngstroms: Double, to output: VolumeOutput) throws -> Export {
        let (standing, id, tomogram) = (source.standing, source.id, source.tomogram.name)
        guard let labels = try standing.content(SegmentStep.self, \.labels, scopeID: id) else {
            throw source.missing(SegmentStep.name)
        }
        guard let surfaces = try standing.content(CentreSurfaceStep.self, \.surfaces, scopeID: id) else {
            throw source.missing(CentreSurfaceStep.name)
        }
        guard let voxelSize = try source.provenance(of: CentreSurfaceStep.name).voxelSize else {
            throw CatalogError(
                .invalid, "\(tomogram) has no voxel size, which a thickness needs; add it again with --voxel-size")
        }
        let volume = try labels.volume(
            drawnAlong: surfaces, thicknessInAngstroms: thicknessInAngstroms, voxelSize: voxelSize, of: tomogram)
        let noun = "\(SegmentStep.name), membranes \(thicknessInAngstroms) Å thick"
        let results = try write(
            volume, step: CentreSurfaceStep.name, label: "labels by \(noun)".replacing("Å", with: "A"), reduction: .first,
            to: output)
        return Export(contents: "\(shape), \(noun): \(labels.classes.sentence)", results: results)
    }

    private func write(
        _ parts: [(z: Range<Int>, volume: StoredVolume)], label: String, _ results: ExportedResults,
        reduction: OMEZarrWriter.Reduction, hasNumbers: Bool, to output: VolumeOutput
    ) throws {
        // MRC has no int32: numbers of objects are float32 there.
        let hasIntegers = if case .zarr = output { hasNumbers } else { false }
        let name = "\(label) of \(source.tomogram.name)"
        try output.write(
            AssembledVolume(parts, shape: shape, hasIntegers: hasIntegers, name: name), label: name, lines: results.headerLines,
            voxelSize: results.voxelSize, reduction: reduction)
    }
}
