import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import GRDB
import ImageProcessing
import Testing
import Volumes

@testable import Pipeline

@Suite("From masks to pseudo-labels") struct PseudoLabelTests {
    private static let settings = [
        // Balls would pass for the sample.
        "mask.outside": "keep", "pseudo-labels.outside": "keep",
        "prepare.tiles.size": "256", "prepare.tiles.count": "1", "prepare.clahe.grid": "2", "eigenvectors.count": "8",
        "split.particle.smallest_diameter": "120", "split.particle.largest_diameter": "250",
    ]

    @Test("balls become particles at their places in Å, a sheet becomes membrane, and both are objects and labels")
    func scene() throws {
        let (depth, side, first) = (30, 128, 2)
        let collection = try PipelineCollection(BallsAndSheet(z: depth, side: side).voxels(), settings: Self.settings)
        let slab = try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: first..<depth - 2)
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")

        let particles = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, class: "macromolecule")
        #expect(particles.count == 3)
        for ball in try BallsAndSheet(z: depth, side: side).balls {
            let near = particles.min { distance($0, ball) < distance($1, ball) }
            let particle = try #require(near)
            #expect(distance(particle, ball) < 40, "\(ball) Å·10, \(particle.centroidInAngstroms)")
            #expect(abs(try #require(particle.radiusInAngstroms) - 100) < 40)
            #expect(try #require(particle.confidence) > 0.5)
            #expect(all(particle.boxMinimumInAngstroms .< particle.centroidInAngstroms))
            #expect(all(particle.boxMaximumInAngstroms .> particle.centroidInAngstroms))
        }
        let membranes = try collection.catalog.results.objects(
            ofTomogram: collection.tomogramID, step: "pseudo-labels", class: "membrane")
        let largest = try #require(membranes.max { $0.voxels < $1.voxels })
        #expect(abs(largest.centroidInAngstroms.x - 640) < 40)
        #expect(largest.radiusInAngstroms == nil)

        let results = try collection.catalog.results.slabArtifacts(
            ofTomogram: collection.tomogramID, step: "pseudo-labels", output: "labels")
        let result = try #require(results.first)
        #expect(result.z == first..<depth - 2 && slab.zFirst == first)
        let artifact = try collection.store.open(result.digest)
        let classes = try artifact.read("classes", as: UInt8.self, shape: [result.z.count, side, side])
        let objects = try artifact.read("objects", as: Int32.self, shape: [result.z.count, side, side])
        #expect(try artifact.description(of: "particles").shape == [3, 6])
        // Each voxel of a class belongs to an object of that class, and each object has the voxels that its row says.
        let found = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: "pseudo-labels")
        var counts: [Int32: Int] = [:]
        for (label, object) in zip(classes, objects) {
            #expect((label == 1 || label == 2) == (object > 0))
            if object > 0 { counts[object, default: 0] += 1 }
        }
        #expect(Set(counts.keys) == Set(found.map { Int32($0.number) }))
        for object in found { #expect(counts[Int32(object.number)] == object.voxels, "\(object.class) \(object.number)") }

        // A second slab over the same balls finds them again, and each counts once.
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: first + 1..<depth - 2)
        #expect(try collection.run()?.isComplete == true)
        let twice = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, class: "macromolecule")
        #expect(twice.count == 6)
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 10))
        let once = try collection.catalog.results.distinctObjects(
            ofTomogram: collection.tomogramID, voxelSize: voxelSize, class: "macromolecule")
        #expect(once == particles)
    }

    @Test("a new slab computes its own slices and linking; other diameters compute no mask anew")
    func incremental() throws {
        let collection = try PipelineCollection(BallsAndSheet(z: 12, side: 128).voxels(), settings: Self.settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 0..<4)
        try collection.run()
        collection.settings["split.gate.circularity"] = "0.2"
        // split of four slices, the linking of one slab and its labels, unless all come out as before.
        #expect((4...6).contains(try #require(try collection.run()).progress.ran))
        collection.settings["link.particle.confidence"] = "0.1"
        #expect(try collection.run()?.progress.ran == 1)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 8..<10)
        // prepare to split of two slices, consistency, link and pseudo-labels of one slab.
        #expect(try collection.run()?.progress.ran == 15)
    }

    @Test("without any source there is a sentence; a source that is switched off does not run, nor do the steps before it")
    func sources() throws {
        let collection = try PipelineCollection(BallsAndSheet(z: 12, side: 64).voxels(), settings: Self.settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 2..<10)
        collection.settings["pseudo-labels.sources.diffusion"] = "false"
        let failures = try #require(try collection.run()).failures
        #expect(failures.count == 1 && failures[0].contains("pseudo-labels.sources.diffusion to true"), "\(failures)")
        collection.settings["pseudo-labels.sources.blobs"] = "true"
        collection.settings["blobs.sizes"] = "200"
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let steps = try collection.catalog.unsafeRead { try String.fetchAll($0, sql: "SELECT DISTINCT step FROM v_step") }
        #expect(
            steps.contains("blobs") && Set(steps).isDisjoint(with: ["prepare", "features", "mask", "link", "sheets"]), "\(steps)")
        let particles = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, class: "macromolecule")
        #expect(!particles.isEmpty && particles.allSatisfy { $0.confidence != nil })
    }

    @Test("with what preset paper switches off every instance is a particle, and all else of the mask is membrane")
    func withoutGates() throws {
        let scene = try BallsAndSheet(z: 12, side: 128, others: [(SIMD3(100, 104, 6), 4)])
        let collection = try PipelineCollection(scene.voxels(), settings: Self.settings)
        try collection.catalog.collection.addSlab(tomogramID: collection.tomogramID, z: 2..<10)
        func classes() throws -> (all: [UInt8], rejections: [String: Int]) {
            let report = try #require(try collection.run())
            #expect(report.isComplete, "\(report.failures)")
            let result = try #require(
                try collection.catalog.results.slabArtifacts(
                    ofTomogram: collection.tomogramID, step: "pseudo-labels", output: "labels"
                )
                .first)
            let slab = try #require(try collection.catalog.collection.slabs(ofTomogram: collection.tomogramID).first?.id)
            return (
                try collection.store.open(result.digest).read("classes", as: UInt8.self),
                try collection.value("link", "rejections", scopeID: slab, as: [String: Int].self)
            )
        }
        #expect(try classes().all.contains(3))
        for (key, value) in RecipePreset.additionsOff where ["split.", "link.", "pseudo-labels."].contains(where: key.hasPrefix) {
            collection.settings[key] = value
        }
        let off = try classes()
        #expect(!off.all.contains(3) && off.all.contains(2) && off.rejections.isEmpty)
    }

    @Test("a slab of one empty slice, masks of nothing and of everything, particles larger than the image are defined")
    func corners() throws {
        let shape = try #require(VolumeShape(z: 2, y: 128, x: 128))
        let flat = try PipelineCollection(
            #require(VoxelBuffer(shape: shape, values: [Float](repeating: 1, count: shape.count))), settings: Self.settings)
        try flat.catalog.collection.addSlab(tomogramID: flat.tomogramID, z: 0..<1)
        var report = try #require(try flat.run())
        #expect(report.isComplete, "\(report.failures)")
        #expect(try flat.catalog.results.objects(ofTomogram: flat.tomogramID).isEmpty)
        flat.settings["split.particle.largest_diameter"] = "2000"
        flat.settings["split.particle.smallest_diameter"] = "2000"
        report = try #require(try flat.run())
        #expect(report.isComplete, "\(report.failures)")
        flat.settings["split.particle.largest_diameter"] = "100"
        report = try #require(try flat.run())
        #expect(report.failures.first?.contains("smallest_diameter") == true, "\(report.failures)")
        flat.settings = Self.settings
        flat.settings["split.method"] = "cellpose"
        report = try #require(try flat.run())
        #expect(report.failures.first?.contains("cellar model add") == true, "\(report.failures)")
    }

    private func distance(_ object: FoundObject, _ ball: SIMD3<Double>) -> Double {
        let difference = object.centroidInAngstroms - 10 * ball
        return (difference * difference).sum().squareRoot()
    }
}
