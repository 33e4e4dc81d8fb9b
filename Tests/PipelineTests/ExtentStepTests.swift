import Catalog
import Engine
import ImageProcessing
import Simulation
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("The extent of the sample in a tomogram") struct ExtentStepTests {
    private let graph: StepGraph

    init() throws { graph = try StepGraph([DescribeStep(), CalibrateStep(), ExtentStep(), SampleStep()]) }

    private func run(_ collection: PipelineCollection) throws -> RunReport? {
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in collection.settings { try recipe.set(key, to: value) }
        return try Runner(collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2))
            .run()
    }

    private func extent(of collection: PipelineCollection) throws -> SampleExtent {
        try collection.value(ExtentStep.name, "extent", scopeID: collection.tomogramID, as: SampleExtent.self)
    }

    /// Thickness and tilt as `v_tomogram` has them.
    private func row(_ collection: PipelineCollection) throws -> [QueryValue] {
        var result: [QueryValue] = []
        try QueryConnection(collection.catalog).run("SELECT thickness_nm, tilt_degrees FROM v_tomogram") { result = $0 }
        return result
    }

    @Test("the surfaces of a simulated lamella are found to a few slices, and v_tomogram has its thickness and tilt")
    func simulated() throws {
        var parameters = SimulationParameters()
        (parameters.x, parameters.y, parameters.z, parameters.seed) = (128, 128, 64, 3)
        parameters.optics = .voltaPhasePlate
        parameters.signalToNoiseRatio = 0.3
        parameters.lamella.thicknessInAngstroms = 480
        parameters.lamella.tiltAlongXInDegrees = 4
        parameters.lamella.tiltAlongYInDegrees = -3
        let (tomogram, edge) = (try TomogramSimulation(parameters).run(), parameters.voxelSizeInAngstroms)
        let collection = try PipelineCollection(tomogram.greyValues, voxelSize: edge)
        let report = try #require(try run(collection))
        #expect(report.isComplete && report.progress.ran == 4, "\(report.failures)")

        let extent = try extent(of: collection)
        let (lower, upper) = (try #require(extent.lower), try #require(extent.upper))
        for (plane, heights) in [(lower, tomogram.surfaces.lower), (upper, tomogram.surfaces.upper)] {
            let errors = heights.enumerated().map { index, height in
                abs(plane.height(x: Double(index % 128), y: Double(index / 128)) - Double(height))
            }.sorted()
            #expect(errors[errors.count / 2] < 3, "\(plane)")
        }
        guard case .real(let thickness) = try row(collection)[0], case .real(let tilt) = try row(collection)[1] else {
            Issue.record("\(try row(collection))")
            return
        }
        #expect(abs(thickness - 48) < 8, "\(thickness)")
        // tan² t = tan² 4° + tan² 3°
        #expect(abs(tilt - 5) < 3, "\(tilt)")

        // Other columns, and nothing runs but what reads the surfaces.
        collection.settings["extent.column"] = "16"
        #expect(try run(collection)?.progress.ran == 2)
    }

    @Test("that nothing is found is a result, and no failure")
    func nothing() throws {
        let collection = try PipelineCollection(PipelineCollection.discs(z: 14, side: 64))
        #expect(try #require(try run(collection)).isComplete)
        #expect(try extent(of: collection) == SampleExtent(lower: nil, upper: nil))
        #expect(try row(collection) == [.null, .null])
        var confidence: QueryValue?
        try QueryConnection(collection.catalog).run("SELECT value FROM v_metric WHERE name = 'extent_confidence'") {
            confidence = $0.first
        }
        #expect(confidence == .real(0))
    }
}
