import BlobStore
import Catalog
import CatalogSchema
import Engine
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Pipeline

// begin example
/// How even a prepared slice is: the mean difference of pixels that lie some way apart, in grey levels.
struct RoughnessStep: TypedStep {
    static let name = "roughness"
    static let version = 1
    static let scope = ScopeKind.slice
    static let summary = "mean difference of pixels that lie some way apart"

    struct Parameters: Sendable {
        let distance = Parameter.integer("distance", default: 1, in: 1...64, "how far apart the two pixels are, along x")
    }
    struct Inputs: Sendable {
        let slice = Input(PrepareStep.self, \.slice)
    }
    struct Outputs: Sendable {
        let roughness = ValueOutput<Double>("roughness")
    }
    static let (parameters, inputs, outputs) = (Parameters(), Inputs(), Outputs())

    func run(_ item: Item<Self>) throws {
        let image = try item.inputs.slice.image()
        let distance = try item.parameters.distance
        guard distance < image.width else {
            throw PipelineError("the slice is \(image.width) pixels wide; make roughness.distance less than that")
        }
        var sum = 0
        for y in 0..<image.height {
            for x in distance..<image.width { sum += abs(Int(image[y: y, x: x]) - Int(image[y: y, x: x - distance])) }
        }
        let mean = Double(sum) / Double(image.height * (image.width - distance))
        try item.give(\.roughness, mean)
        item.record("roughness", mean)
    }
}
// end example

/// The step that CONTRIBUTING.md shows.
@Suite struct ExampleStepTests {
    private let collection: PipelineCollection
    private let graph: StepGraph

    init() throws {
        collection = try PipelineCollection(PipelineCollection.discs(z: 2, side: 64), settings: ["prepare.tiles.size": "64"])
        graph = try StepGraph([DescribeStep(), PrepareStep(), RoughnessStep()])
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<2)
    }

    private func run(_ settings: [String: String] = [:]) throws -> RunReport? {
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in collection.settings.merging(settings, uniquingKeysWith: { $1 }) { try recipe.set(key, to: value) }
        return try Runner(collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2))
            .run()
    }

    private func roughness(z: Int) throws -> Double {
        let slice = try #require(try collection.catalog.collection.sliceID(ofTomogram: collection.tomogramID, z: z))
        return try collection.value("roughness", "roughness", scopeID: slice, as: Double.self)
    }

    @Test("runs once for each slice, and again only where its parameter or its input changed")
    func runs() throws {
        // One tomogram described, two slices prepared and measured.
        #expect(try #require(try run()).progress.ran == 5)
        let image = try PreparedSlice(collection.artifact("prepare", "slice", z: 1)).image()
        let differences = (0..<64).flatMap { y in (1..<64).map { abs(Int(image[y: y, x: $0]) - Int(image[y: y, x: $0 - 1])) } }
        #expect(try abs(roughness(z: 1) - Double(differences.reduce(0, +)) / Double(differences.count)) < 1e-9)
        #expect(try run()?.progress.ran ?? 0 == 0)
        #expect(try #require(try run(["roughness.distance": "3"])).progress.ran == 2)
        #expect(try #require(try run(["prepare.density.structures": "bright"])).progress.ran == 4)
    }

    @Test("refuses a slice that is too narrow, with a sentence that says what to do")
    func refusal() throws {
        let report = try #require(try run(["roughness.distance": "64"]))
        #expect(report.progress.failed == 2)
        #expect(report.failures.first?.contains("make roughness.distance less than that") == true, "\(report.failures)")
    }

    @Test("stands in CONTRIBUTING.md as it stands here")
    func quotation() throws {
        let source = try Repository.text(of: "Tests/PipelineTests/ExampleStepTests.swift")
        let example = try #require(source.firstMatch(of: /(?s)\/\/ begin example\n(.*?)\/\/ end example\n/)).1
        #expect(try Repository.text(of: "CONTRIBUTING.md").contains("```swift\n\(example)```\n"))
    }
}
