import Basics
import BlobStore
import Catalog
import Diffusion
import Engine
import Foundation
import ImageProcessing
import Tensors
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("The step features") struct FeaturesStepTests {
    /// A catalog with one tomogram, one slice and one tile of it.
    private final class Collection {
        let directory: TemporaryDirectory
        let catalog: Catalog
        let store: BlobStore
        let graph: StepGraph
        var settings = ["prepare.tiles.count": "1", "prepare.tiles.size": "128"]
        let sliceID: Int64

        init() throws {
            directory = try TemporaryDirectory()
            let place = CatalogDirectory(path: directory.file(".cellar"))
            catalog = try Catalog.create(at: place)
            store = try BlobStore(directory: place.blobs)
            graph = try StepGraph(StandardSteps.all).upTo("features")
            var generator = RandomStream(state: 4)
            let shape = try #require(VolumeShape(z: 3, y: 96, x: 96))
            let voxels = (0..<shape.count).map { _ in Float.random(in: -1...1, using: &generator) }
            let writer = try MRCWriter(
                path: directory.file("t.mrc"), shape: shape, scalarType: .float32, voxelSize: VoxelSize(cubicInAngstroms: 10))
            try writer.append(try #require(VoxelBuffer(shape: shape, values: voxels)))
            try writer.finish()
            let location = VolumeLocation(path: directory.file("t.mrc"))
            let volume = try location.open()
            let id = try catalog.collection.add(
                [
                    NewTomogram(
                        name: "t", location: location, format: volume.header.format, scalarType: volume.scalarType,
                        shape: volume.shape, headerVoxelSize: volume.header.voxelSize)
                ], dataset: "d")[0].id
            try catalog.collection.addSlab(tomogramID: id, z: 1..<2)
            sliceID = try #require(try catalog.collection.sliceID(ofTomogram: id, z: 1))
        }

        /// The tiny model of the layout of Stable Diffusion 1, beside the tests of the target Diffusion.
        func addModel(_ name: String = "sd1-tiny", as alias: String = "tiny") throws {
            let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .appending(path: "../DiffusionTests/Golden/data/\(name)/model").standardized.path
            let copy = directory.file("model-\(alias)")
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            let files = try ModelFiles(copy, kind: .diffusion)
            try files.verify()
            try catalog.collection.setModel(name: alias, kind: "diffusion", path: files.path, digest: files.digest())
        }

        @discardableResult
        func run(lowMemory: Bool = false) throws -> RunReport? {
            var recipe = Recipe(steps: graph.steps)
            for (key, value) in settings { try recipe.set(key, to: value) }
            return try Runner(
                catalog, store: store, graph: graph, recipe: recipe, options: .init(jobs: 2, prefersLittleMemory: lowMemory)
            ).run()
        }

        func features() throws -> Artifact {
            try store.open(#require(try catalog.results.standingArtifact(step: "features", scopeID: sliceID, output: "features")))
        }
    }

    @Test("gives channels without any weights, one row for each cell of a tile")
    func structure() throws {
        let collection = try Collection()
        #expect(try collection.run()?.isComplete == true)
        let artifact = try collection.features()
        #expect(artifact.kind == "features")
        #expect(artifact.attributes["mode"] == .string("structure"))
        guard case .string(let names)? = artifact.attributes["channels"] else {
            Issue.record("no names of channels")
            return
        }
        #expect(try artifact.description(of: "tokens.structure").shape == [1, 256, names.split(separator: ",").count])
        let values = try artifact.readFloats("tokens.structure")
        #expect(!values.contains { !$0.isFinite })
        #expect(Set(values).count > 1000)
    }

    @Test("gives affinities and tokens of a diffusion model, as the recipe says")
    func diffusion() throws {
        let collection = try Collection()
        try collection.addModel()
        collection.settings.merge([
            "features.mode": "diffusion", "features.model": "tiny", "features.keep": "both", "features.timesteps.count": "3",
            "features.tokens.rank": "5", "features.precision": "float32", "features.seed": "11",
        ]) { $1 }
        #expect(try collection.run()?.isComplete == true)
        let artifact = try collection.features()
        guard case .reals(let timesteps)? = artifact.attributes["timesteps"] else {
            Issue.record("no timesteps")
            return
        }
        #expect(timesteps.map { Int($0) } == NoiseSchedule.stratified(count: 3, last: 250, seed: 11))
        let names = artifact.datasets.map(\.name)
        #expect(names.filter { $0.hasPrefix("affinity.") }.count == 7)
        #expect(names.filter { $0.hasPrefix("tokens.") }.count == 16)

        // The same as the library gives for the same tile.
        let model = try DiffusionModel(folder: collection.directory.file("model-tiny"))
        let slice = try #require(
            try collection.catalog.results.standingArtifact(step: "prepare", scopeID: collection.sliceID, output: "slice"))
        let tile = try #require(try PreparedSlice(collection.store.open(slice)).tiles().first)
        let latent = try model.encode(gray: tile.values, height: 128, width: 128).mode
        let features = try model.attention(
            latent, timesteps: timesteps.map { Int($0) }, context: model.context(for: ""), seed: 11,
            selecting: .init(tokens: true, rank: 5))
        let affinity = features.affinities[1]
        let name = "affinity.\(affinity.level).\(affinity.group)"
        #expect(try artifact.description(of: name).shape == [1, 256 * 257 / 2])
        #expect(try artifact.description(of: name).attributes["layers"] == 3)
        #expect(try artifact.read(name, as: Float.self) == affinity.upperTriangle(scale: 256))
        let tokens = features.tokens[3]
        #expect(
            try artifact.read("tokens.\(tokens.layer.name)", as: Float.self) == tokens.components.scores.values)
        #expect(
            try artifact.description(of: "tokens.\(tokens.layer.name)").attributes["explained_variance"]
                == .reals([tokens.components.explainedVariance]))
    }

    @Test("16 bits move affinities by less than a fiftieth of their norm; the artifact says what multiplied")
    func arithmetic() throws {
        let collection = try Collection()
        try collection.addModel()
        collection.settings.merge([
            "features.mode": "diffusion", "features.model": "tiny", "features.timesteps.list": "50, 200",
            "features.precision": "float32",
        ]) { $1 }
        try collection.run()
        let exact = try collection.features()
        #expect(exact.attributes["arithmetic"] == nil)
        collection.settings["features.arithmetic"] = "bfloat16"
        #expect(try collection.run()?.isComplete == true)
        let rounded = try collection.features()
        let used: Arithmetic = Arithmetic.multipliesBfloat16 ? .bfloat16 : .float32
        #expect(rounded.attributes["arithmetic"] == .string(used.rawValue))
        for name in exact.datasets.map(\.name) {
            let expected = try exact.readFloats(name)
            let values = try rounded.readFloats(name)
            let difference = zip(values, expected).reduce(into: 0.0) { $0 += Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            let norm = expected.reduce(into: 0.0) { $0 += Double($1 * $1) }
            #expect((difference / norm).squareRoot() < 0.02, "\(name)")
            // Where the processor has no such products, float32 is the same to the bit.
            #expect((values == expected) == (used == .float32), "\(name)")
        }
    }

    @Test("float16 differs by rounding only; little memory changes nothing")
    func precision() throws {
        let collection = try Collection()
        try collection.addModel()
        collection.settings.merge([
            "features.mode": "diffusion", "features.model": "tiny", "features.timesteps.list": "50, 200",
            "features.layers": "decoder", "features.precision": "float32",
        ]) { $1 }
        try collection.run()
        let exact = try collection.features()
        #expect(exact.datasets.map(\.name) == ["affinity.0.decoder", "affinity.1.decoder", "affinity.2.decoder"])
        let values = try exact.readFloats("affinity.0.decoder")
        collection.settings["features.precision"] = "float16"
        try collection.run(lowMemory: true)
        let half = try collection.features()
        #expect(try half.description(of: "affinity.0.decoder").scalarType == .float16)
        let rounded = try half.readFloats("affinity.0.decoder")
        #expect(zip(values, rounded).allSatisfy { abs($0 - $1) <= abs($0) * 0x1p-11 + 0x1p-24 })
    }

    @Test("fails with a sentence where no model is chosen, timesteps are none, or a model's files were changed")
    func failures() throws {
        let collection = try Collection()
        collection.settings["features.mode"] = "diffusion"
        let without = try #require(try collection.run())
        #expect(without.failures.first?.contains("no model is chosen") == true, "\(without.failures)")

        try collection.addModel()
        collection.settings["features.model"] = "tiny"
        for list in ["1000", "1,two", "-1", ",", "5 5"] {
            collection.settings["features.timesteps.list"] = list
            let report = try collection.run()
            #expect(
                report?.failures.first?.contains("timesteps.list") == true || list == "5 5", "\(list): \(report?.failures ?? [])")
        }

        try collection.addModel(as: "changed")
        let config = collection.directory.file("model-changed/scheduler/scheduler_config.json")
        try String(contentsOfFile: config, encoding: .utf8).appending("\n").write(
            toFile: config, atomically: true, encoding: .utf8)
        collection.settings.merge(["features.timesteps.list": "10", "features.model": "changed"]) { $1 }
        let changed = try #require(try collection.run())
        #expect(changed.failures.first?.contains("not those that were added") == true, "\(changed.failures)")

        collection.settings.merge(["features.model": "tiny", "prepare.tiles.size": "100"]) { $1 }
        let odd = try #require(try collection.run())
        #expect(odd.failures.first?.contains("multiple of 64") == true, "\(odd.failures)")

        collection.settings["features.model"] = "unheard-of"
        #expect(throws: EngineError.self) { try collection.run() }
    }

    @Test("other weights under the same name make features stale, and nothing else")
    func otherWeights() throws {
        let collection = try Collection()
        try collection.addModel()
        collection.settings.merge([
            "features.mode": "diffusion", "features.model": "tiny", "features.timesteps.list": "50",
        ]) { $1 }
        try collection.run()
        let first = try collection.features().digest
        #expect(try collection.run() == nil)
        try collection.addModel("sd2-tiny")
        let report = try #require(try collection.run())
        #expect(report.progress.ran == 1)
        #expect(try collection.features().digest != first)
        try collection.addModel()
        let back = try #require(try collection.run())
        #expect(back.progress.ran == 0 && back.progress.foundAgain == 1)
        #expect(try collection.features().digest == first)
    }
}
