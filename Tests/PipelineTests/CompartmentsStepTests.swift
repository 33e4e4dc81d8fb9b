import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import GRDB
import ImageProcessing
import Mining
import TestSupport
import Testing
import Volumes

@testable import Pipeline

@Suite("Compartments of tomograms") struct CompartmentsStepTests {
    @Test("a membrane divides the sample, and every particle lies on its side of it")
    func sides() throws {
        let scene = try BallsAndSheet(z: 24, side: 64)
        let collection = try PipelineCollection.annotated(
            scene,
            settings: ["train-membrane.epoch.count": "6", "train-particles.epoch.count": "12", "compartments.outside": "keep"])
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")
        let query = try QueryConnection(collection.catalog)
        func rows(_ sql: String) throws -> [[String]] {
            var rows: [[String]] = []
            try query.run(sql) { row in rows.append(row.map(\.plainText)) }
            return rows
        }
        let states = try rows("SELECT state FROM v_compartment ORDER BY number").map { $0[0] }
        #expect(states.first == "outer" && states.count >= 2, "\(states)")
        #expect(try rows("SELECT number FROM v_compartment WHERE number = parent OR level = 0 AND parent IS NOT NULL").isEmpty)

        // The label volume has the numbers of the rows, and no other.
        let digest = try #require(
            try collection.catalog.results.standingArtifact(
                step: CompartmentsStep.name, scopeID: collection.tomogramID, output: "map"))
        let map = try StoredCompartments(collection.store.open(digest))
        #expect(map.binning == 1 && map.shape == scene.shape)
        let numbers = try (0..<map.shape.z).flatMap { try map.numbers(z: $0) }
        #expect(Set(numbers).subtracting([0]) == Set((1...states.count).map { UInt16($0) }))

        // Each particle has the number at its place, and the sign of its depth says whether that is enclosed.
        let particles = try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: MeasurePicksStep.name)
        #expect(particles.count >= 3)
        let found = try map.numbers(
            at: particles.map(\.centroidInAngstroms), voxelSize: #require(VoxelSize(cubicInAngstroms: 10)))
        #expect(particles.map(\.compartment) == found && found.contains { $0 != nil })
        // Where the centre is membrane, the particle lies in no compartment, and so does none outside of all.
        for row in try rows("SELECT level, depth, membrane_distance FROM v_context WHERE compartment IS NOT NULL") {
            let (level, depth, distance) = (Int(row[0]) ?? 0, Double(row[1]) ?? .nan, Double(row[2]) ?? .nan)
            #expect(depth == (level > 0 ? distance : -distance))
        }
        #expect(try rows("SELECT count(*) FROM v_context")[0][0] == String(particles.count))
        for topic in [Statistics.Topic.compartments, .context] {
            let answer = try rows(Statistics(topic, by: "tomogram", where: "tomogram = 't'").sql(for: query))
            #expect(!answer.isEmpty && answer.allSatisfy { $0[0] == "t" }, "\(topic)")
        }

        // Nobody asks: no particle has a compartment, and nothing else changes.
        collection.settings["measure-picks.compartments"] = "false"
        #expect(try #require(try collection.run()).progress.ran == 1)
        #expect(
            try collection.catalog.results.objects(ofTomogram: collection.tomogramID, step: MeasurePicksStep.name)
                .allSatisfy { $0.compartment == nil })
    }

    @Test("a stored map answers as the one that was found, binned or not", arguments: [1, 2])
    func stored(binning: Int) throws {
        let shape = try #require(VolumeShape(z: 49, y: 53, x: 57))
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 10))
        // Two hollow balls; the memory is what one voxel in eight takes.
        let balls: [(centre: SIMD3<Double>, radius: Double)] = [([18, 20, 22], 12), ([40, 34, 26], 10)]
        var finder = try CompartmentFinder(
            shape: shape, voxelSize: voxelSize,
            parameters: CompartmentParameters(memoryInBytes: binning == 1 ? 64 << 20 : 1 << 20))
        for z in 0..<shape.z {
            let mask = (0..<shape.voxelsPerSlice).map { pixel in
                let place = SIMD3(Double(pixel % shape.x), Double(pixel / shape.x), Double(z))
                return balls.contains { ball in
                    let offset = place - ball.centre
                    return abs((offset * offset).sum().squareRoot() - ball.radius) < 1.5
                }
            }
            try finder.add(membrane: shape.image(mask), sample: nil)
        }
        let map = try finder.finish {}
        try #require(map.binning == binning)
        #expect(map.compartments.count { $0.state == .closed } == 2)
        let collection = try PipelineCollection(try BallsAndSheet(z: 8, side: 64).voxels(), settings: [:])
        let staged = try collection.store.stage(kind: StoredCompartments.kind) { try StoredCompartments.write(map, to: $0) }
        try collection.store.commit([staged])
        let stored = try StoredCompartments(collection.store.open(staged.digest))
        var generator = RandomStream(state: 3)
        let places = (0..<4000).map { _ in
            SIMD3(
                Double.random(in: -20...580, using: &generator), Double.random(in: -20...540, using: &generator),
                Double.random(in: -20...500, using: &generator))
        }
        let numbers = try stored.numbers(at: places, voxelSize: voxelSize)
        var counts: [Int: Int] = [:]
        for (place, number) in zip(places, numbers) {
            let wanted = map.compartment(at: place)
            // Where voxels are binned, a place in a membrane, or just beyond the tomogram, has the nearest number.
            if wanted != nil || binning == 1 { #expect(number == wanted, "\(place)") }
            if let number { counts[number, default: 0] += 1 }
        }
        #expect(counts.count == 3 && counts.values.allSatisfy { $0 > 20 }, "\(counts)")
        withExtendedLifetime(collection) {}
    }
}
