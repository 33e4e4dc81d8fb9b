import Basics
import BlobStore
import Catalog
import Engine
import Foundation
import ImageProcessing
import Metrics
import TestSupport
import Testing
import Volumes

@testable import Pipeline

/// What lies outside of the sample. The scenes are balls in the middle of a tomogram that is deeper than they are: the sample ends where they
/// do, and the sheet goes on beyond.
@Suite("The sample's surfaces, and what is found beyond them") struct SampleCutTests {
    private static func extent(of collection: PipelineCollection) throws -> SampleExtent {
        try collection.value(ExtentStep.name, "extent", scopeID: collection.tomogramID, as: SampleExtent.self)
    }

    private static func artifact(_ step: String, _ output: String, of collection: PipelineCollection) throws -> Artifact {
        let digest = try collection.catalog.results.standingArtifact(
            step: step, scopeID: collection.tomogramID, output: output)
        return try collection.store.open(#require(digest))
    }

    @Test("voxels beyond the margin become ground, particles are dropped, and the lamella is what lies between")
    func segmentation() throws {
        let scene = try BallsAndSheet(z: 40, side: 64)
        // Every peak is a particle, so that there are some beyond the surfaces, too.
        let collection = try PipelineCollection.annotated(
            scene,
            settings: [
                "train-membrane.epoch.count": "3", "train-particles.epoch.count": "1", "segment.smallest_volume": "0",
                "segment.membrane.smallest_volume": "0",
                "pick.score": "0", "measure.smallest_volume": "0",
            ])
        let first = try #require(try collection.run())
        #expect(first.isComplete, "\(first.failures)")
        let kept: [UInt8] = try Self.artifact("segment", "labels", of: collection).read("labels")
        let keptProbability: [UInt8] = try Self.artifact("segment", "probability", of: collection).read("class_1")
        let keptParticles = try Picks(Self.artifact("pick", "particles", of: collection)).particles

        for key in ["mask.outside", "segment.outside", "pick.outside"] { collection.settings[key] = nil }
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let extent = try Self.extent(of: collection)
        let (lower, upper) = (try #require(extent.lower), try #require(extent.upper))
        #expect((6...15).contains(lower.z) && (24...33).contains(upper.z), "\(extent)")
        let isInside = (0..<scene.shape.count).map { index in
            let (z, inSlice) = index.quotientAndRemainder(dividingBy: scene.shape.voxelsPerSlice)
            let (y, x) = inSlice.quotientAndRemainder(dividingBy: scene.shape.x)
            return extent.contains(SIMD3(Double(x), Double(y), Double(z)), margin: 3)
        }
        func cut(_ values: [UInt8]) -> [UInt8] { zip(values, isInside).map { $1 ? $0 : 0 } }
        let labels: [UInt8] = try Self.artifact("segment", "labels", of: collection).read("labels")
        #expect(labels == cut(kept) && labels != kept)
        let probability: [UInt8] = try Self.artifact("segment", "probability", of: collection).read("class_1")
        #expect(probability == cut(keptProbability))
        // The voxel size is 10 Å.
        let particles = try Picks(Self.artifact("pick", "particles", of: collection)).particles
        let inside = keptParticles.filter { extent.contains($0.pick.center / 10, margin: 3) }
        #expect(particles.map(\.pick.center) == inside.map(\.pick.center))
        #expect(!particles.isEmpty)
        #expect(try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "pick").count == particles.count)

        // Objects are counted for the volume between the surfaces.
        func lamella() throws -> StoredLamella? {
            try collection.value("measure", "lamella", scopeID: collection.tomogramID, as: StoredLamella?.self)
        }
        let stored = try #require(try lamella())
        #expect(abs(stored.lowerInAngstroms - 10 * lower.z) < 1e-6 && abs(stored.upperInAngstroms - 10 * upper.z) < 1e-6)
        #expect(abs(stored.thicknessInAngstroms - 10 * (upper.z - lower.z)) < 1e-6)
        collection.settings["measure.lamella"] = "false"
        #expect(try #require(try collection.run()).isComplete)
        #expect(try lamella() == nil)

        // A wide margin cuts nothing: what it gives is what was kept.
        collection.settings["segment.outside_margin"] = "100"
        #expect(try #require(try collection.run()).isComplete)
        #expect(try Self.artifact("segment", "labels", of: collection).read("labels") == kept)
    }

    @Test("masks are empty beyond the surfaces, unless the recipe keeps what is there")
    func masks() throws {
        let settings = [
            "prepare.tiles.size": "64", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "6",
            "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250", "mask.outside": "keep",
            "pseudo-labels.outside": "keep",
        ]
        let collection = try PipelineCollection(BallsAndSheet(z: 40, side: 64).voxels(), settings: settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 4..<14)
        func masks() throws -> [[UInt8]] { try (4..<14).map { try collection.artifact("mask", "mask", z: $0).read("mask") } }
        #expect(try #require(try collection.run()).isComplete)
        let kept = try masks()
        // The surfaces of a tomogram are nothing to a mask that keeps all.
        collection.settings["extent.column"] = "16"
        #expect(try #require(try collection.run()).progress.ran <= 2)
        collection.settings["extent.column"] = nil
        collection.settings["mask.outside"] = nil
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let extent = try Self.extent(of: collection)
        for (z, (mask, whole)) in zip(4..<14, zip(try masks(), kept)) {
            let expected = whole.enumerated().map { index, value in
                extent.contains(SIMD3(Double(index % 64), Double(index / 64), Double(z)), margin: 3) ? value : 0
            }
            #expect(mask == expected, "slice \(z)")
        }
        // The slab shows the surface: its first slice has nothing, its last one has.
        #expect(try !masks()[0].contains(1) && masks()[9].contains(1) && kept[0].contains(1))
    }

    @Test("where no surface was found nothing is cut")
    func nothingFound() throws {
        let settings = ["prepare.tiles.size": "128", "prepare.clahe.grid": "2", "eigenvectors.count": "8"]
        let collection = try PipelineCollection(PipelineCollection.discs(z: 2, side: 128), settings: settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<2)
        #expect(try #require(try collection.run()).isComplete)
        #expect(try Self.extent(of: collection) == SampleExtent(lower: nil, upper: nil))
        let masks = try (0..<2).map { try collection.artifact("mask", "mask", z: $0).digest }
        collection.settings["mask.outside"] = "keep"
        #expect(try #require(try collection.run()).progress.ran == 2)
        #expect(try (0..<2).map { try collection.artifact("mask", "mask", z: $0).digest } == masks)
    }

    @Test("who keeps what is outside reads no extent, as the preset paper does")
    func inputs() throws {
        let steps: Set = [MaskStep.name, SegmentStep.name, PickStep.name]
        func readers(_ recipe: Recipe) throws -> Set<String> {
            let input = StepInput.output(of: ExtentStep.name, named: ExtentStep.outputs.extent.output.name)
            let graph = try StepGraph(StandardSteps.all).adapted(to: recipe)
            return Set(graph.steps.filter { $0.inputs.contains(input) }.map(\.name))
        }
        var recipe = Recipe(steps: StandardSteps.all)
        #expect(try readers(recipe).isSuperset(of: steps.union([MeasureStep.name, SampleStep.name])))
        for (key, value) in RecipePreset.paper.assignments(for: recipe) { try recipe.set(key, to: value) }
        #expect(try readers(recipe).isDisjoint(with: steps))
        try recipe.set("measure.lamella", to: "false")
        #expect(try !readers(recipe).contains(MeasureStep.name))
    }
}
