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

    /// - Throws: ``CatalogError`` where there is no such tomogram.
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

/// Results of a tomogram, and the file that they are written to: an MRC volume of its size, slice by slice, or points.
struct TomogramExport {
    let source: TomogramResults
    let output: OutputFile

    /// - Throws: ``CatalogError`` where there is no such tomogram.
    init(_ project: Project, of name: String, to output: OutputFile) throws {
        (source, self.output) = (try TomogramResults(project, of: name), output)
    }

    /// How much of an artifact is read at a time, in bytes: several slices, since they share chunks.
    static let blockByteCount = 32 << 20

    private var shape: VolumeShape { source.shape }

    /// Writes the volumes of slabs, 0 where no slab is. Where slabs overlap, the one that was added first counts.
    ///
    /// - Parameter noun: what the voxels are, for the file's header.
    func writeSlabs(_ slabs: [(z: Range<Int>, volume: StoredVolume)], step: String, noun: String) throws -> ExportedResults {
        let provenance = try source.slabProvenance(of: step)
        guard let type = slabs.first?.volume.voxelType, let slice = VolumeShape(z: 1, y: shape.y, x: shape.x) else {
            throw source.missing(step)
        }
        for slab in slabs where slab.volume.lengths != [slab.z.count, shape.y, shape.x] { throw source.otherSize(step) }
        let writer = try writer(type, label: "\(noun) by \(step)", provenance)
        let empty = VoxelBuffer(shape: slice, scalarType: type) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        for z in 0..<shape.z {
            guard let slab = slabs.first(where: { $0.z.contains(z) }) else {
                try writer.append(empty)
                continue
            }
            try writer.append(slab.volume.slices(z - slab.z.lowerBound..<z - slab.z.lowerBound + 1))
        }
        try writer.finish()
        return provenance
    }

    /// Writes a volume of the whole tomogram.
    ///
    /// - Parameter label: what the voxels are, for the file's header.
    func write(_ volume: StoredVolume, step: String, label: String) throws -> ExportedResults {
        let provenance = try source.provenance(of: step)
        guard volume.lengths == [shape.z, shape.y, shape.x] else { throw source.otherSize(step) }
        let writer = try writer(volume.voxelType, label: label, provenance)
        let depth = max(1, Self.blockByteCount / max(shape.x * shape.y * volume.voxelType.size, 1))
        for z in stride(from: 0, to: shape.z, by: depth) { try writer.append(volume.slices(z..<min(z + depth, shape.z))) }
        try writer.finish()
        return provenance
    }

    private func writer(_ scalarType: ScalarType, label: String, _ results: ExportedResults) throws -> MRCWriter {
        try MRCWriter(
            output, shape: shape, scalarType: scalarType, voxelSize: results.voxelSize,
            labels: ["Cellar: \(label) of \(source.tomogram.name)"] + results.headerLines)
    }
}
