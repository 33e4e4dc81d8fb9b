import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Particles of a slab by their size") struct BlobsStepTests {
    private let graph: StepGraph

    init() throws { graph = try StepGraph([DescribeStep(), CalibrateStep(), BlobsStep()]).upTo(BlobsStep.name) }

    private func run(_ collection: PipelineCollection) throws -> RunReport? {
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in collection.settings { try recipe.set(key, to: value) }
        return try Runner(collection.catalog, store: collection.store, graph: graph, recipe: recipe, options: .init(jobs: 2))
            .run()
    }

    /// The labels of the only slab.
    private func labels(of collection: PipelineCollection) throws -> PseudoLabels {
        let results = try collection.catalog.results.slabArtifacts(
            ofTomogram: collection.tomogramID, step: BlobsStep.name, output: "labels")
        return try PseudoLabels(collection.store.open(#require(results.first).digest))
    }

    private func metric(_ name: String, _ collection: PipelineCollection) throws -> QueryValue? {
        var found: QueryValue?
        try QueryConnection(collection.catalog).run(
            "SELECT value FROM v_metric WHERE step = 'blobs' AND name = :name", parameters: ["name": .text(name)]
        ) { found = $0.first }
        return found
    }

    private func distance(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double { ((a - b) * (a - b)).sum().squareRoot() }

    @Test("dark balls are particles at their places in Å, with voxels, confidences and numbers that agree")
    func scene() throws {
        let (depth, side, z) = (30, 80, 3..<27)
        let scene = try BallsAndSheet(z: depth, side: side)
        let collection = try PipelineCollection(scene.voxels(), settings: ["blobs.sizes": "200"])
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: z)
        let report = try #require(try run(collection))
        #expect(report.isComplete && report.progress.ran == 3, "\(report.failures)")

        let labels = try labels(of: collection)
        let particles = try labels.particles()
        #expect(try labels.shape() == [z.count, side, side])
        for ball in scene.balls {
            let near = particles.filter { distance($0.centreInAngstroms, 10 * ball) < 20 }
            #expect(near.count == 1, "\(ball), \(particles)")
            let particle = try #require(near.first)
            #expect(particle.radiusInAngstroms == 100 && !PseudoLabels.isCutOff(particle))
            #expect((0.5...1).contains(particle.confidence))
            let voxel = Int(ball.y) * side + Int(ball.x)
            let number = try labels.objects(slice: depth / 2 - z.lowerBound)[voxel]
            #expect(number > 0 && particles[Int(number) - 1] == particle)
        }
        for slice in 0..<z.count {
            let (classes, objects) = (try labels.classes(slice: slice), try labels.objects(slice: slice))
            for (label, object) in zip(classes, objects) { #expect((label == 2) == (object > 0) && (label == 0 || label == 2)) }
        }
        #expect(try metric("macromolecule/objects", collection) == .real(Double(particles.count)))
        guard case .real(let threshold)? = try metric("threshold", collection) else {
            Issue.record("no threshold")
            return
        }
        #expect(threshold > 0)
        // An opinion, and no object of the catalog.
        #expect(try collection.catalog.results.objects(ofTomogram: collection.tomogramID).isEmpty)

        // A threshold that nothing reaches is an answer, and another size one that is looked for beside the first.
        collection.settings["blobs.threshold"] = "100"
        #expect(try run(collection)?.progress.ran == 1)
        #expect(try self.labels(of: collection).particles().isEmpty)
        collection.settings["blobs.threshold"] = "0"
        collection.settings["blobs.sizes"] = "100, 200"
        #expect(try run(collection)?.isComplete == true)
        let both = try self.labels(of: collection).particles()
        for ball in scene.balls { #expect(both.contains { distance($0.centreInAngstroms, 10 * ball) < 100 }) }
        #expect(Set(both.map(\.radiusInAngstroms)).isSubset(of: [50, 100]))
    }

    @Test("a slab of one slice shows the middle of balls, and each is cut off")
    func oneSlice() throws {
        let scene = try BallsAndSheet(z: 31, side: 80)
        let collection = try PipelineCollection(scene.voxels(), settings: ["blobs.sizes": "200", "blobs.rounds": "1"])
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 15..<16)
        let report = try #require(try run(collection))
        #expect(report.isComplete, "\(report.failures)")
        let labels = try labels(of: collection)
        #expect(try labels.shape() == [1, 80, 80])
        for particle in try labels.particles() {
            #expect(PseudoLabels.isCutOff(particle))
            #expect(abs(particle.centreInAngstroms.z - 150) <= 5)
        }
    }

    @Test("a tomogram of one value, one without a finite voxel and one of few voxels are defined")
    func corners() throws {
        for (depth, side, value) in [(2, 16, Float(3)), (2, 16, .nan), (1, 2, 0)] {
            let shape = try #require(VolumeShape(z: depth, y: side, x: side))
            var values = [Float](repeating: value, count: shape.count)
            if value == 0 { values[0] = 1 }
            let collection = try PipelineCollection(#require(VoxelBuffer(shape: shape, values: values)))
            try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<depth)
            let report = try #require(try run(collection))
            #expect(report.isComplete, "\(report.failures)")
            let labels = try labels(of: collection)
            #expect(try labels.shape() == [depth, side, side])
            guard value != 0 else { continue }
            #expect(try labels.particles().isEmpty)
            #expect(try metric("macromolecule/objects", collection) == .real(0))
        }
    }

    @Test("without a voxel size, and of a size that is too small for the voxels, a sentence says what to do")
    func refusals() throws {
        let collection = try PipelineCollection(
            PipelineCollection.discs(z: 2, side: 32), voxelSize: 40, settings: ["blobs.sizes": "150"])
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<2)
        var failures = try #require(try run(collection)).failures
        #expect(failures.count == 1 && failures[0].contains("particles of 150.0 Å are 3.8 voxels wide"), "\(failures)")

        // The same file, whose header says nothing of a voxel size.
        let path = collection.directory.file("unknown.mrc")
        let voxels = try PipelineCollection.discs(z: 2, side: 32, seed: 2)
        let writer = try MRCWriter(path: path, shape: voxels.shape, scalarType: voxels.scalarType, voxelSize: nil)
        try writer.append(voxels)
        try writer.finish()
        let volume = try VolumeLocation(path: path).open()
        let id = try collection.catalog.collection.add(
            [
                NewTomogram(
                    name: "unknown", location: VolumeLocation(path: path), format: volume.header.format,
                    scalarType: volume.scalarType, shape: volume.shape, headerVoxelSize: volume.header.voxelSize)
            ], dataset: "d")[0].id
        try collection.catalog.collection.addSlab(tomogramID: id, z: 0..<2)
        collection.settings["blobs.sizes"] = "250"
        failures = try #require(try run(collection)).failures
        #expect(failures.count == 1 && failures[0].contains("has no voxel size"), "\(failures)")
    }

    @Test("a recipe takes one to eight different diameters, and says what is wrong with others")
    func sizes() throws {
        #expect(try BlobSizes(parsing: "150, 250").diameters == [150, 250])
        #expect(try BlobSizes(parsing: " 87.5 ").diameters == [87.5])
        var recipe = Recipe(steps: graph.steps)
        for (text, sentence) in [
            ("", "is no diameter"), ("250,", "is no diameter"), ("ribosome", "is no diameter"), ("20", "30 to 2000"),
            ("3000", "30 to 2000"), ("nan", "30 to 2000"), ("250, 250", "named twice"),
            ("100,110,120,130,140,150,160,170,180", "more than 8"),
        ] {
            let error = #expect(throws: (any Error).self) { try recipe.set("blobs.sizes", to: text) }
            #expect(error.map { "\($0)".contains(sentence) } == true, "\(text)")
        }
        #expect(recipe["blobs.sizes"]?.text == "250")
    }
}
