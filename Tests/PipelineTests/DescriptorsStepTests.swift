import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Pipeline

@Suite("Descriptors of particles") struct DescriptorsStepTests {
    private static let settings = [
        "train-membrane.epoch.count": "1", "train-particles.epoch.count": "12", "descriptors.places": "40",
    ]

    private func rows(_ collection: PipelineCollection) throws -> StoredDescriptors {
        let digest = try #require(
            try collection.catalog.results.standingArtifact(
                step: DescriptorsStep.name, scopeID: collection.tomogramID, output: "rows"))
        return try StoredDescriptors(collection.store.open(digest))
    }

    @Test("every pick has a row, and balls that are alike have rows that are near")
    func rows() throws {
        let scene = try BallsAndSheet(z: 24, side: 96)
        let collection = try PipelineCollection.annotated(scene, settings: Self.settings)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let picks = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "pick")
        let found = try rows(collection)
        try #require(picks.count >= 3)
        #expect(found.count == picks.count && found.dimension == 84)
        let values = try found.patterns().map { Float(Float16(bitPattern: $0)) }
        #expect(values.allSatisfy(\.isFinite) && Set(values).count > 84)

        // The three balls are nearer to each other than they are to nothing at all, the row of zeros.
        func row(_ index: Int) -> ArraySlice<Float> { values[index * 84..<(index + 1) * 84] }
        func distance(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Float {
            zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        let balls = scene.balls.compactMap { ball in
            picks.firstIndex { pick in
                let offset = pick.centroidInAngstroms - 10 * ball
                return (offset * offset).sum() < 50 * 50
            }
        }
        try #require(balls.count == 3)
        for (a, b) in [(0, 1), (0, 2), (1, 2)] {
            let (one, other) = (row(balls[a]), row(balls[b]))
            #expect(distance(one, other) < 0.7 * distance(one, [Float](repeating: 0, count: 84)[...]))
        }

        // The same again, bit by bit; other parts are other numbers, and a radius that voxels cannot show gives none.
        let before = try found.patterns()
        collection.settings["descriptors.parts"] = "form, shells"
        #expect(try #require(try collection.run()).progress.ran == 1)
        let other = try rows(collection)
        #expect(other.dimension == 16 && other.meaning != found.meaning)
        collection.settings["descriptors.parts"] = nil
        try collection.run()
        #expect(try rows(collection).patterns() == before)
        collection.settings["descriptors.radius"] = "30"
        #expect(try #require(try collection.run()).isComplete)
        #expect(try rows(collection).count == 0)
        let described = try collection.catalog.unsafeRead {
            try Double.fetchOne($0, sql: "SELECT value FROM v_metric WHERE step = 'descriptors' AND name = 'described'")
        }
        #expect(described == 0)
    }

    @Test("a network's part is the same, whether the training set taught it or it is a model; a diffusion model's has a block")
    func networks() throws {
        let scene = try BallsAndSheet(z: 24, side: 96)
        let collection = try PipelineCollection.annotated(
            scene, settings: Self.settings.merging(["descriptors.parts": "form, network"]) { $1 })
        // Which network it is must be said: nothing else fails.
        var report = try #require(try collection.run())
        #expect(report.failures.count == 1 && report.failures[0].contains("set descriptors.model"), "\(report.failures)")
        collection.settings["descriptors.network"] = "trained"
        report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let trained = try rows(collection)
        #expect(trained.count >= 3 && trained.dimension == 8 + 16)
        let values = try trained.values()
        #expect(values.allSatisfy(\.isFinite) && Set(values).count > 24)

        try collection.addModel("known", collection.network("train-membrane"))
        collection.settings.merge(["descriptors.network": "builtin", "descriptors.model": "known"]) { $1 }
        #expect(try #require(try collection.run()).isComplete)
        let known = try rows(collection)
        #expect(try known.values() == values)
        // Rows of one network, by another name: that they are equal is not known without looking.
        #expect(known.meaning != trained.meaning)

        // A picker sees blocks of one size, in three dimensions.
        try collection.addModel("picker", collection.network("train-particles"))
        collection.settings["descriptors.model"] = "picker"
        #expect(try #require(try collection.run()).isComplete)
        let ofPicker = try rows(collection)
        #expect(ofPicker.dimension == 24)
        #expect(try ofPicker.values() != values)

        collection.settings["descriptors.parts"] = "diffusion"
        #expect(try #require(try collection.run()).failures.first?.contains("descriptors.diffusion.model") == true)
        try collection.addModel("tiny", at: Self.tinyDiffusionModel, kind: .diffusion)
        collection.settings["descriptors.diffusion.model"] = "tiny"
        report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let upper = try rows(collection)
        let numbers = Set(try upper.values()).count
        #expect(upper.count == trained.count && upper.dimension == 16 && numbers > 16)
        collection.settings["descriptors.diffusion.block"] = "mid_block"
        #expect(try #require(try collection.run()).isComplete)
        let middle = try rows(collection)
        #expect(middle.meaning != upper.meaning)
        #expect(try middle.values() != upper.values())
    }

    /// The tiny model of the layout of Stable Diffusion 1, beside the tests of the target Diffusion.
    private static let tinyDiffusionModel = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../DiffusionTests/Golden/data/sd1-tiny/model").standardized.path

    @Test("a part that nobody knows is refused where it is set")
    func parts() throws {
        let collection = try PipelineCollection(
            try BallsAndSheet(z: 8, side: 64).voxels(), settings: ["descriptors.parts": "shell"])
        let error = #expect(throws: (any Error).self) { try collection.run() }
        #expect("\(String(describing: error))".contains("shells"))
    }
}
