import CellarKit
import TestSupport
import Testing

@testable import cellar

/// Commands in the process of the test: what they print, what they say beside it, and their exit codes.
@Suite("A command") struct InProcessCommandTests {
    /// A project with one tomogram of 64 × 64 × 24 voxels, and a slab.
    private struct Scene {
        private let scene: CommandScene
        var directory: TemporaryDirectory { scene.directory }

        init() throws {
            scene = try CommandScene()
            let shape = try #require(VolumeShape(z: 24, y: 64, x: 64))
            let voxels = try #require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0 % 251) }))
            let writer = try MRCWriter(
                OutputFile(directory.file("a.mrc"), replacing: false, protecting: .none), shape: shape, scalarType: .float32,
                voxelSize: VoxelSize(cubicInAngstroms: 10))
            try writer.append(voxels)
            try writer.finish()
            let added = run("add", directory.file("a.mrc"), "--dataset", "d")
            #expect(added.output == "added: 1 tomogram in d\n", "\(added)")
            #expect(run("slab", "add", "a", "--z", "4..<8").output == "slab 1: a, slices 4..<8\n")
        }

        func run(_ arguments: String...) -> CommandScene.Result { scene.run(arguments) }
    }

    @Test("plans and runs one step, and says why the others wait")
    func running() throws {
        let scene = try Scene()
        let step = DescribeStep.name
        #expect(scene.run("plan", "--until", step, "--check").status == 3)
        let run = scene.run("run", "--until", step)
        #expect(run.status == 0 && run.output.contains("run 1: 1 items ran"), "\(run)")
        #expect(scene.run("plan", "--until", step, "--check").status == 0)
        #expect(scene.run("run", "--until", step).output == "Everything is fresh.\n")
        let why = scene.run("why", "a", PrepareStep.name)
        #expect(why.status == 0 && why.output.contains("\(PrepareStep.name)") && why.output.contains("stale"), "\(why)")
    }

    @Test("answers in rows for people and for programs")
    func asking() throws {
        let scene = try Scene()
        let json = scene.run("query", "SELECT name, size_z FROM v_tomogram", "--format", "ndjson")
        #expect(json.output == "{\"name\": \"a\", \"size_z\": 24}\n", "\(json)")
        let csv = scene.run("list", "slabs", "--columns", "z_first, z_end", "--format", "csv")
        #expect(csv.output == "z_first,z_end\n4,8\n", "\(csv)")
        #expect(scene.run("query", "DELETE FROM tomogram").status == 1)
    }

    @Test("says what is wrong in one sentence, and by its exit code whose fault it is")
    func failing() throws {
        let scene = try Scene()
        let unknown = scene.run("why", "b")
        #expect(unknown.status == 1 && unknown.output.isEmpty)
        #expect(unknown.errors.hasPrefix("cellar: ") && unknown.errors.split(separator: "\n").count == 1, "\(unknown)")
        let usage = scene.run("slab", "add", "a", "--z", "8..<4")
        #expect(usage.status == 2 && usage.output.isEmpty && usage.errors.contains("Usage:"), "\(usage)")
        let recipe = scene.run("recipe", "set", "mask.block=no")
        #expect(recipe.status == 1 && recipe.errors.contains("mask.block"), "\(recipe)")
        #expect(scene.run("recipe", "set", "mask.block=21").output == "mask.block: 51 → 21\n")
        let missing = scene.run("export", "labels", "a", "--output", scene.directory.file("labels.mrc"))
        #expect(missing.status == 1 && missing.errors.contains("`cellar run --until \(PseudoLabelsStep.name)`"), "\(missing)")
    }
}
