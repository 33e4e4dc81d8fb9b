import Basics
import BlobStore
import Catalog
import Engine
import ImageProcessing
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Membranes as sheets, in a catalog") struct SheetsStepTests {
    private let graph: StepGraph
    /// Short widths, so that the halo is small and a test is fast.
    private static let settings = [
        "sheets.width.along": "40", "sheets.width.along_small": "20", "sheets.width.voting": "40", "sheets.smallest_area": "200",
    ]

    init() throws { graph = try StepGraph([DescribeStep(), CalibrateStep(), SheetsStep()]).upTo(SheetsStep.name) }

    private func run(_ collection: PipelineCollection) throws -> RunReport? {
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in collection.settings { try recipe.set(key, to: value) }
        return try Runner(collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2))
            .run()
    }

    private func labels(_ collection: PipelineCollection) throws -> (digest: Digest, classes: [UInt8], objects: [Int32]) {
        let result = try #require(
            try collection.catalog.results.slabArtifacts(
                ofTomogram: collection.tomogramID, step: SheetsStep.name, output: "labels"
            ).first)
        let artifact = try collection.store.open(result.digest)
        return (
            result.digest, try artifact.read("classes", as: UInt8.self), try artifact.read("objects", as: Int32.self)
        )
    }

    private func metric(_ collection: PipelineCollection, _ name: String) throws -> QueryValue? {
        var value: QueryValue?
        try QueryConnection(collection.catalog).run("SELECT value FROM v_metric WHERE step = 'sheets' AND name = '\(name)'") {
            value = $0.first
        }
        return value
    }

    @Test("a membrane is labelled with a band around it, particles are not, and the same run gives the same bits")
    func scene() throws {
        let scene = try BallsAndSheet(z: 24, side: 72)
        let collection = try PipelineCollection(scene.voxels(), settings: Self.settings)
        let slices = 6..<18
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: slices)
        let report = try #require(try run(collection))
        #expect(report.isComplete && report.progress.ran == 3, "\(report.failures)")

        let (digest, classes, objects) = try labels(collection)
        let perSlice = scene.shape.voxelsPerSlice
        #expect(classes.count == slices.count * perSlice && objects.count == classes.count)
        var (sheet, covered, band) = (0, 0, 0)
        for (index, label) in classes.enumerated() {
            #expect((label == 1) == (objects[index] > 0) && label != 2)
            let x = index % scene.shape.x - scene.shape.x / 2
            if x == 0 { (sheet, covered) = (sheet + 1, covered + (label == 1 ? 1 : 0)) }
            if label == 3 { band += 1 }
        }
        #expect(covered * 10 > sheet * 7, "\(covered) of \(sheet)")
        #expect(band > 0)
        let balls = classes.indices.filter { index in
            scene.isBall(index + slices.lowerBound * perSlice) && abs(index % scene.shape.x - scene.shape.x / 2) > 6
        }
        let wrong = balls.count { classes[$0] == 1 }
        #expect(wrong * 4 < balls.count, "\(wrong) of \(balls.count)")
        let fraction = Double(classes.count { $0 == 1 }) / Double(classes.count)
        guard case .real(let recorded)? = try metric(collection, "membrane/fraction"),
            case .real(let threshold)? = try metric(collection, "threshold")
        else {
            Issue.record("no metrics")
            return
        }
        #expect(abs(recorded - fraction) < 1e-9 && threshold >= SheetRidges.noise - 1e-9)

        let second = try PipelineCollection(scene.voxels(), settings: Self.settings)
        try second.catalog.collection.addSlab(tomogramID: second.tomogramID, z: slices)
        _ = try run(second)
        #expect(try labels(second).digest == digest)

        // Thicker membranes, and none where the threshold is out of reach.
        collection.settings["sheets.thickness"] = "90"
        #expect(try run(collection)?.progress.ran == 1)
        #expect(try labels(collection).classes.count { $0 == 1 } > classes.count { $0 == 1 })
        collection.settings["sheets.threshold"] = "100"
        #expect(try run(collection)?.isComplete == true)
        #expect(try labels(collection).classes.allSatisfy { $0 == 0 })
    }

    @Test("a tomogram of one value, a slab of one slice, and one smaller than a tile are defined")
    func corners() throws {
        let shape = try #require(VolumeShape(z: 2, y: 20, x: 24))
        let flat = try PipelineCollection(
            #require(VoxelBuffer(shape: shape, values: [Float](repeating: 1, count: shape.count))), settings: Self.settings)
        try flat.catalog.collection.addSlab(tomogramID: flat.tomogramID, z: 0..<1)
        let report = try #require(try run(flat))
        #expect(report.isComplete, "\(report.failures)")
        #expect(try labels(flat).classes == [UInt8](repeating: 0, count: 480))
        #expect(try metric(flat, "membrane/fraction") == .real(0))

        let discs = try PipelineCollection(PipelineCollection.discs(z: 1, side: 24), voxelSize: 60, settings: Self.settings)
        try discs.catalog.collection.addSlab(tomogramID: discs.tomogramID, z: 0..<1)
        let coarse = try #require(try run(discs))
        #expect(coarse.isComplete, "\(coarse.failures)")
    }

    @Test("voxels longer than any membrane are refused in a sentence, and a thickness of 0 is no value")
    func refusals() throws {
        let collection = try PipelineCollection(
            PipelineCollection.discs(z: 2, side: 24), voxelSize: 2000, settings: Self.settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<1)
        let report = try #require(try run(collection))
        #expect(report.failures.first?.contains("too long for membranes") == true, "\(report.failures)")
        #expect(throws: (any Error).self) {
            var recipe = Recipe(steps: graph.steps)
            try recipe.set("sheets.thickness", to: "0")
        }
    }
}
