import Basics
import BlobStore
import CellarKit

/// Writes results as MRC volumes of a tomogram's size, slice by slice.
struct VolumeExport {
    let workspace: Workspace
    let store: BlobStore
    let tomogram: TomogramRecord
    let id: Int64
    let shape: VolumeShape
    /// The file to write.
    let output: OutputFile

    var catalog: Catalog { workspace.catalog }

    /// How much of an artifact is read at a time, in bytes: several slices, since they share chunks.
    private static let blockByteCount = 32 << 20

    private func writer(_ scalarType: ScalarType, label: String, _ results: ExportedResults) throws -> MRCWriter {
        try MRCWriter(
            output, shape: shape, scalarType: scalarType, voxelSize: results.voxelSize,
            labels: ["Cellar: \(label) of \(tomogram.name)"] + results.headerLines)
    }

    /// The results of a step on the whole tomogram.
    func results(of step: String) throws -> ExportedResults { try results(of: step, [.init(scopeID: id, label: "")]) }

    /// The results of a step on slabs of the tomogram.
    func slabResults(of step: String) throws -> ExportedResults {
        let slabs = try catalog.collection.slabs(ofTomogram: id)
        return try results(
            of: step, slabs.compactMap { slab in slab.id.map { .init(scopeID: $0, label: "z \(slab.zFirst)..<\(slab.zEnd)") } })
    }

    private func results(of step: String, _ items: [ExportedResults.Item]) throws -> ExportedResults {
        try ExportedResults(workspace, step: step, items: items, owner: tomogram.name, tomogramID: id)
    }

    /// Writes what a step gave for the slabs of the tomogram, 0 where no slab is. Where slabs overlap, the one that was added
    /// first counts.
    ///
    /// - Parameter dataset: of the artifacts, `[z][y][x]`.
    /// - Returns: how many slabs have a result, and which results these are.
    func writeSlabs(
        step: String, output name: String, dataset: String, scalarType: ScalarType
    ) throws -> (count: Int, results: ExportedResults) {
        let results = try slabResults(of: step)
        let slabs = try catalog.results.slabArtifacts(ofTomogram: id, step: step, output: name).map { slab in
            (z: slab.z, artifact: try store.open(slab.digest))
        }
        guard !slabs.isEmpty else { throw missing(step) }
        guard let slice = VolumeShape(z: 1, y: shape.y, x: shape.x) else { return (0, results) }
        for slab in slabs where try slab.artifact.description(of: dataset).shape != [slab.z.count, shape.y, shape.x] {
            throw otherSize(step)
        }
        let writer = try writer(scalarType, label: "\(dataset) by \(step)", results)
        let empty = VoxelBuffer(shape: slice, scalarType: scalarType) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        for z in 0..<shape.z {
            guard let slab = slabs.first(where: { $0.z.contains(z) }) else {
                try writer.append(empty)
                continue
            }
            let rows = z - slab.z.lowerBound..<z - slab.z.lowerBound + 1
            try append(slab.artifact, dataset, rows, scale: 1, to: writer)
        }
        try writer.finish()
        return (slabs.count, results)
    }

    /// Writes what a step gave for the whole tomogram.
    ///
    /// - Parameters:
    ///   - dataset: of the artifact, `[z][y][x]`.
    ///   - scale: what values are multiplied with, where they are written as numbers with a fraction.
    /// - Returns: which results these are.
    func writeVolume(
        _ artifact: Artifact, step: String, dataset: String, scalarType: ScalarType, scale: Float = 1, label: String
    ) throws -> ExportedResults {
        let results = try results(of: step)
        guard try artifact.description(of: dataset).shape == [shape.z, shape.y, shape.x] else { throw otherSize(step) }
        let writer = try writer(scalarType, label: label, results)
        let depth = max(1, Self.blockByteCount / max(shape.x * shape.y * scalarType.size, 1))
        for z in stride(from: 0, to: shape.z, by: depth) {
            try append(artifact, dataset, z..<min(z + depth, shape.z), scale: scale, to: writer)
        }
        try writer.finish()
        return results
    }

    private func append(
        _ artifact: Artifact, _ dataset: String, _ rows: Range<Int>, scale: Float, to writer: MRCWriter
    ) throws {
        guard let slices = VolumeShape(z: rows.count, y: shape.y, x: shape.x) else { return }
        let voxels: VoxelBuffer?
        if writer.scalarType == .uint8 {
            voxels = VoxelBuffer(shape: slices, values: try artifact.readRows(dataset, rows, as: UInt8.self))
        } else {
            let values = try artifact.readFloats(dataset, rows: rows)
            voxels = VoxelBuffer(shape: slices, values: scale == 1 ? values : values.map { $0 * scale })
        }
        // A slice that is left out is noticed when the writer finishes.
        if let voxels { try writer.append(voxels) }
    }

    /// The artifact of a step on the whole tomogram; nil where none is at hand.
    func artifact(of step: String, _ output: String) throws -> Artifact? {
        try catalog.results.standingArtifact(step: step, scopeID: id, output: output).map { try store.open($0) }
    }

    // MARK: Errors

    func missing(_ step: String) -> CatalogError {
        CatalogError(
            .invalid, "\(step) has no result for \(tomogram.name) at hand; `cellar run --until \(step)` computes it")
    }

    private func otherSize(_ step: String) -> CatalogError {
        CatalogError(
            .invalid, "the result of \(step) for \(tomogram.name) has another size than the tomogram; `cellar run` renews it")
    }
}
