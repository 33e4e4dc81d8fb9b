import BlobStore
import CellarKit
import TestSupport
import Testing

@Suite struct EmbeddingTests {
    /// The example of README.md: a Swift program that embeds a catalog.
    private func example(folder: String, tomogram path: String) throws -> [String] {
        let catalog = try Catalog.create(at: CatalogDirectory(path: folder))
        let volume = try VolumeLocation(path: path).open()
        try catalog.collection.add(
            [
                NewTomogram(
                    name: "first", location: VolumeLocation(path: path), format: volume.header.format,
                    scalarType: volume.scalarType, shape: volume.shape, headerVoxelSize: volume.header.voxelSize)
            ],
            dataset: "embedded")
        let graph = try StepGraph(StandardSteps.all)
        let recipe = Recipe(steps: graph.steps)
        let runner = Runner(catalog, store: try BlobStore(directory: catalog.directory.blobs), graph: graph, recipe: recipe)
        _ = try runner.run { progress in print(progress.finished, "of", progress.total) }
        var answers: [String] = []
        try QueryConnection(catalog).run("SELECT name, density_mean FROM v_tomogram") { row in
            answers.append("\(row)")
        }
        return answers
    }

    @Test("a Swift program embeds a catalog in twenty lines")
    func embedding() throws {
        let directory = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 2, y: 8, x: 8))
        let voxels = try #require(VoxelBuffer(shape: shape, values: [Float](repeating: 2, count: shape.count)))
        let writer = try MRCWriter(
            OutputFile(directory.file("a.mrc"), replacing: false, protecting: .none), shape: shape, scalarType: .float32,
            voxelSize: nil)
        try writer.append(voxels)
        try writer.finish()
        #expect(try example(folder: directory.file("catalog"), tomogram: directory.file("a.mrc")).count == 1)
    }
}
