import Basics
import BlobStore
import Catalog
import CatalogSchema
import TestSupport
import Testing
import Volumes

/// A catalog of one tomogram, `t` of the dataset `d`: 6 slices of 32 × 40 voxels of 10 Å, the slices 1 and 2 in a slab. It has no results.
struct FigureCatalog {
    let folder: TemporaryDirectory
    let catalog: Catalog
    let store: BlobStore
    let tomogram: TomogramRecord
    let tomogramID: Int64

    init() throws {
        folder = try TemporaryDirectory()
        catalog = try Catalog.create(at: CatalogDirectory(path: folder.file(".cellar")))
        store = try BlobStore(directory: catalog.directory.blobs)
        let shape = try #require(VolumeShape(z: 6, y: 32, x: 40))
        let location = VolumeLocation(path: folder.file("t.mrc"))
        let writer = try MRCWriter(
            OutputFile(location.path, replacing: false, protecting: .none), shape: shape, scalarType: .float32,
            voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0 % 97) })))
        try writer.finish()
        try catalog.collection.add(
            [
                NewTomogram(
                    name: "t", location: location, format: "mrc", scalarType: .float32, shape: shape,
                    headerVoxelSize: VoxelSize(cubicInAngstroms: 10))
            ], dataset: "d")
        tomogram = try catalog.collection.tomogram(named: "t")
        tomogramID = try #require(tomogram.id)
        try catalog.collection.addSlab(tomogramID: tomogramID, z: 1..<3)
    }

    /// Publishes a result of a step on the tomogram, or on another scope, in a run of its own.
    ///
    /// - Parameter key: what the key of the result is made of, beside the step.
    func publish(
        _ step: String, _ scope: ScopeKind = .tomogram, of id: Int64? = nil, key: String = "",
        metrics: [(name: String, value: Double)] = [],
        values: [String: String] = [:], inputs: [ItemOutcome.Input] = [], objects: [FoundObject] = [],
        artifacts: [(name: String, kind: String, write: (ArtifactWriter) throws -> Void)] = []
    ) throws {
        let digest = Digest(of: "\(step) \(key)".utf8)
        let (runID, ids) = try catalog.runs.begin(
            command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest, "{}"),
            configurations: [.init(step: step, scope: scope, version: 1, parameters: [:], models: [:], digest: digest)])
        let staged = try artifacts.map { ($0.name, $0.kind, try store.stage(kind: $0.kind, $0.write)) }
        try store.commit(staged.map(\.2))
        try catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: id ?? tomogramID, configurationID: ids[0].configurationID, key: digest,
                        startedAt: "2026-01-01T00:00:00.000Z", seconds: 1, inputs: inputs,
                        outputs: staged.map { name, kind, artifact in
                            .init(
                                name: name, digest: artifact.digest,
                                content: .artifact(kind: kind, bytes: artifact.byteCount, evictable: false))
                        } + values.map { .init(name: $0, digest: digest, content: .value($1)) }, metrics: metrics,
                        objects: objects))
            ], runID: runID)
        try catalog.runs.end(runID, status: .done)
    }

    /// Thirty objects of the volumes 1, 4, 9, …, 900 nm³; each third one a membrane, the others ribosomes.
    static let objects = (1...30).map { number in
        FoundObject(
            number: number, class: number.isMultiple(of: 3) ? "membrane" : "ribosome", centroidInAngstroms: .zero, voxels: 1,
            volumeInCubicNanometers: Double(number * number), elongation: 1 + Double(number) / 30,
            boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
    }
}
