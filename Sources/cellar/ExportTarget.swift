import ArgumentParser
import BlobStore
import CellarKit

/// Whose results are written, and where.
struct ExportTarget: ParsableArguments {
    @Argument(help: "A tomogram: its name, dataset/name, or id.")
    var target: String

    @Option(help: ArgumentHelp("The file to write; one that is there is replaced.", valueName: "file"))
    var output: String

    @OptionGroup var catalogOptions: CatalogOptions

    func tomogram() throws -> (catalog: Catalog, record: TomogramRecord, id: Int64, shape: VolumeShape) {
        let catalog = try catalogOptions.open().catalog
        let record = try catalog.tomogram(named: target)
        guard let id = record.id, let shape = try catalog.tomogramShape(id: id) else {
            throw CatalogError(.notFound, "there is no tomogram \(target); `cellar list tomograms` shows what there is")
        }
        return (catalog, record, id, shape)
    }

    /// Writes what a step gave for the slabs of a tomogram as an MRC volume of the tomogram's size, 0 where no slab is. Where slabs
    /// overlap, the one that was added first counts.
    ///
    /// - Parameter dataset: of the artifacts, `[z][y][x]`.
    func writeVolume(step: String, output name: String, dataset: String, scalarType: ScalarType) throws {
        let (catalog, record, id, shape) = try tomogram()
        let store = try BlobStore(directory: catalog.directory.blobs)
        let slabs = try catalog.slabArtifacts(ofTomogram: id, step: step, output: name).map { slab in
            (z: slab.z, artifact: try store.open(slab.digest))
        }
        guard !slabs.isEmpty else {
            throw CatalogError(
                .invalid, "\(step) has no result for \(record.name) at hand; `cellar run --until \(step)` computes it")
        }
        guard let slice = VolumeShape(z: 1, y: shape.y, x: shape.x) else { return }
        for slab in slabs where try slab.artifact.dataset(dataset).shape != [slab.z.count, shape.y, shape.x] {
            throw CatalogError(
                .invalid, "the result of \(step) for \(record.name) has another size than the tomogram; `cellar run` renews it")
        }
        let writer = try MRCWriter(
            path: output, shape: shape, scalarType: scalarType, voxelSize: catalog.effectiveVoxelSize(id: id),
            labels: ["Cellar: \(dataset) of \(record.name)"])
        let empty = VoxelBuffer(shape: slice, scalarType: scalarType) { $0.initializeMemory(as: UInt8.self, repeating: 0) }
        for z in 0..<shape.z {
            guard let slab = slabs.first(where: { $0.z.contains(z) }) else {
                try writer.append(empty)
                continue
            }
            let rows = z - slab.z.lowerBound..<z - slab.z.lowerBound + 1
            if scalarType == .uint8 {
                let values: [UInt8] = try slab.artifact.readRows(dataset, rows)
                guard let voxels = VoxelBuffer(shape: slice, values: values) else { continue }
                try writer.append(voxels)
            } else {
                let values = try slab.artifact.readFloats(dataset, rows: rows)
                guard let voxels = VoxelBuffer(shape: slice, values: values) else { continue }
                try writer.append(voxels)
            }
        }
        try writer.finish()
        print("\(output): \(shape), \(slabs.count) slabs")
    }
}
