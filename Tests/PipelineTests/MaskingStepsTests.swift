import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("From features to masks") struct MaskingStepsTests {
    private static let small = ["prepare.tiles.size": "128", "prepare.clahe.grid": "2", "eigenvectors.count": "8"]

    @Test("discs in noise are found in every slice, without weights")
    func discs() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 4, side: 128), settings: Self.small)
        let slab = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<4)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        for z in 0..<4 {
            let vectors = try collection.artifact("eigenvectors", "eigenvectors", z: z)
            #expect(try vectors.description(of: "vectors").shape == [4, 8, 16, 16])
            let map = try FeatureMap(collection.artifact("feature-map", "map", z: z)).image()
            #expect((map.height, map.width) == (128, 128))
            let mask: [UInt8] = try collection.artifact("mask", "mask", z: z).read("mask")
            // The middle of each disc is foreground, most of the ground is not.
            for (y, x) in [(0.25, 0.3), (0.7, 0.65), (0.3, 0.75)] {
                #expect(mask[Int(y * 128) * 128 + Int(x * 128)] == 1, "z \(z), disc at \(y), \(x)")
            }
            #expect(mask.count { $0 == 1 } < mask.count / 2)
            let slice = try #require(try collection.catalog.collection.sliceID(ofTomogram: collection.tomogramID, z: z))
            let logs = try collection.value("feature-map", "log", scopeID: slice, as: [MergeLog].self)
            #expect(logs.count == 4)
        }
        let decisions = try collection.value("consistency", "decisions", scopeID: #require(slab.id), as: [SliceDecision].self)
        #expect(decisions.map(\.index) == [0, 1, 2, 3])
    }

    @Test("a change of the mask's parameters computes masks only; a new slab leaves the other alone")
    func incremental() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 6, side: 128), settings: Self.small)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<2)
        try collection.run()
        collection.settings["mask.block"] = "31"
        #expect(try collection.run()?.progress.ran == 2)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 4..<6)
        // prepare, features, eigenvectors, feature-map, mask and split of two slices; consistency, link and pseudo-labels of one slab.
        #expect(try collection.run()?.progress.ran == 15)
    }

    @Test(
        "of every second slice nobody looks, and its map lies between those of its neighbours; looking at all of them changes no other"
    )
    func every() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 8, side: 128), settings: Self.small)
        let slab = try #require(try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 1..<8).id)
        collection.settings["features.every"] = "2"
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let decisions = try collection.value("consistency", "decisions", scopeID: slab, as: [SliceDecision].self)
        #expect(decisions.map { $0.rule == .interpolated } == [true, false, true, false, true, false, true])
        let empty = try collection.artifact("eigenvectors", "eigenvectors", z: 3)
        #expect(try SliceEigenvectors(empty).values() == Array(repeating: [0], count: 4))
        #expect(try FeatureMap(collection.artifact("feature-map", "map", z: 3)).image().values.allSatisfy { $0 == 0 })
        for z in 1..<8 {
            let mask: [UInt8] = try collection.artifact("mask", "mask", z: z).read("mask")
            #expect(mask[32 * 128 + 38] == 1 && mask.count { $0 == 1 } < mask.count / 2, "slice \(z)")
        }
        // What was looked at is as it would be without gaps.
        let map = try collection.artifact("feature-map", "map", z: 4).digest
        func reasons(_ every: String) throws -> [String] {
            var recipe = Recipe(steps: collection.graph.steps)
            for (key, value) in Self.small.merging(["features.every": every], uniquingKeysWith: { $1 }) {
                try recipe.set(key, to: value)
            }
            let explanation = try Explainer(collection.catalog, graph: collection.graph, recipe: recipe)
                .explain(tomogramID: collection.tomogramID, step: "features")
            return explanation.groups.flatMap(\.reasons)
        }
        #expect(try reasons("1").contains { $0.contains("features.every: 2 → 1") })
        collection.settings["features.every"] = "1"
        #expect(try collection.run()?.isComplete == true)
        #expect(try collection.artifact("feature-map", "map", z: 4).digest == map)
        #expect(try reasons("3").contains { $0.contains("features.every: 1 → 3") })
    }

    @Test("a slab in which nobody looks at any slice says so")
    func nobodyLooks() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 4, side: 128), settings: Self.small)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 1..<4)
        collection.settings["features.every"] = "5"
        let report = try #require(try collection.run())
        #expect(
            report.failures.contains { "\($0)".contains("none of the 3 slices of the slab is looked at: lower features.every") })
    }

    @Test("a slab that overlaps an earlier one leaves its labels alone, wherever it begins", arguments: [0..<4, 1..<6])
    func overlap(z: Range<Int>) throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 6, side: 128), settings: Self.small)
        let slab = try #require(try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 2..<5).id)
        func labels() throws -> Digest? {
            try collection.catalog.results.standingArtifact(step: "pseudo-labels", scopeID: slab, output: "labels")
        }
        try collection.run()
        let first = try #require(try labels())
        let masks = try (2..<5).map { try collection.artifact("mask", "mask", z: $0).digest }
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: z)
        #expect(try collection.run()?.isComplete == true)
        #expect(try (2..<5).map { try collection.artifact("mask", "mask", z: $0).digest } == masks)
        #expect(try labels() == first)
    }

    @Test("a slab of one slice, a constant tomogram, and overlapping slabs are defined")
    func corners() throws {
        let one = try PipelineCollection(PipelineCollection.discs(z: 3, side: 128), settings: Self.small)
        let slab = try one.catalog.collection.addSlab(tomogramID: one.tomogramID, z: 1..<2)
        #expect(try one.run()?.isComplete == true)
        let decisions = try one.value("consistency", "decisions", scopeID: #require(slab.id), as: [SliceDecision].self)
        #expect(decisions.map(\.rule) == [.alone])
        try one.catalog.collection.addSlab(tomogramID: one.tomogramID, z: 0..<3)
        #expect(try one.run()?.isComplete == true)
        #expect(try one.artifact("mask", "mask", z: 1).description(of: "mask").shape == [128, 128])

        let shape = try #require(VolumeShape(z: 1, y: 128, x: 128))
        let constant = try #require(VoxelBuffer(shape: shape, values: [Float](repeating: 3, count: shape.count)))
        let flat = try PipelineCollection(constant, settings: Self.small)
        try flat.catalog.collection.addSlab(tomogramID: flat.tomogramID, z: 0..<1)
        let report = try #require(try flat.run())
        #expect(report.isComplete, "\(report.failures)")
        let mask: [UInt8] = try flat.artifact("mask", "mask", z: 0).read("mask")
        #expect(!mask.contains(1))
    }

    @Test("few eigenvectors, one eigenvector, the published loop, and what features do not hold")
    func options() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 1, side: 128), settings: Self.small)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<1)
        collection.settings["eigenvectors.count"] = "1"
        #expect(try collection.run()?.isComplete == true)
        #expect(try collection.artifact("eigenvectors", "eigenvectors", z: 0).description(of: "vectors").shape[1] == 1)
        collection.settings["eigenvectors.count"] = "6"
        collection.settings["eigenvectors.cutoff"] = "1"
        #expect(try collection.run()?.isComplete == true)
        #expect(try collection.artifact("eigenvectors", "eigenvectors", z: 0).description(of: "vectors").shape[1] == 1)
        collection.settings["eigenvectors.cutoff"] = "0"
        collection.settings["eigenvectors.solver"] = "adam"
        collection.settings["eigenvectors.adam.updates"] = "3"
        collection.settings["eigenvectors.constant_tolerance"] = "0"
        #expect(try collection.run()?.isComplete == true)
        let loop = try collection.artifact("eigenvectors", "eigenvectors", z: 0)
        collection.settings["eigenvectors.solver"] = "closed"
        #expect(try collection.run()?.isComplete == true)
        let closed = try collection.artifact("eigenvectors", "eigenvectors", z: 0)
        // Of the first tile.
        let trace: Double = try loop.read("values", as: Double.self).prefix(6).reduce(0, +)
        let best: Double = try closed.read("values", as: Double.self).prefix(6).reduce(0, +)
        #expect(trace <= best + 1e-6 * best)
        #expect(loop.digest != closed.digest)
        collection.settings["eigenvectors.affinity"] = "attention"
        let report = try #require(try collection.run())
        #expect(report.failures.first?.contains("features.keep") == true, "\(report.failures)")
    }
}
