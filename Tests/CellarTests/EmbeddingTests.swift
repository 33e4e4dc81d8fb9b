import CellarKit
import TestSupport
import Testing

@Suite struct EmbeddingTests {
    /// The example of README.md: a Swift program that embeds a catalog.
    private func example(folder: String, tomogram path: String) throws -> [String] {
        let project = try Project.create(at: CatalogDirectory(path: folder))
        _ = try project.add([path], TomogramAddition(dataset: "embedded"))
        for step in try project.plan().summaries { print(step.step, step.stale) }
        _ = try project.run { progress in print(progress.finished, "of", progress.total) }
        var answers: [String] = []
        try project.query("SELECT name, density_mean FROM v_tomogram") { row in
            answers.append("\(row)")
        }
        return answers
    }

    @Test("a Swift program embeds a catalog in ten lines")
    func embedding() throws {
        let directory = try TemporaryDirectory()
        let shape = try #require(VolumeShape(z: 2, y: 8, x: 8))
        let voxels = try #require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0) }))
        let writer = try MRCWriter(
            OutputFile(directory.file("a.mrc"), replacing: false, protecting: .none), shape: shape, scalarType: .float32,
            voxelSize: nil)
        try writer.append(voxels)
        try writer.finish()
        #expect(try example(folder: directory.file("catalog"), tomogram: directory.file("a.mrc")).count == 1)
    }
}
