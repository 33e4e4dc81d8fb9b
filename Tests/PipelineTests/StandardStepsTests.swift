import Basics
import BlobStore
import Catalog
import Engine
import Foundation
import ImageProcessing
import Simulation
import TestSupport
import Testing
import Volumes

@testable import Pipeline

/// A catalog with one tomogram that the test writes.
private final class Collection {
    let directory: TemporaryDirectory
    let catalog: Catalog
    let store: BlobStore
    let graph: StepGraph
    var settings: [String: String] = [:]
    var id: Int64 = 0

    init() throws {
        directory = try TemporaryDirectory()
        let place = CatalogDirectory(path: directory.file(".cellar"))
        catalog = try Catalog.create(at: place)
        store = try BlobStore(directory: place.blobs)
        graph = try StepGraph(StandardSteps.all)
    }

    var path: String { directory.file("tomogram.mrc") }

    func write(_ voxels: VoxelBuffer, voxelSize: Double? = 10, label: String = "") throws {
        let writer = try MRCWriter(
            path: path, shape: voxels.shape, scalarType: voxels.scalarType,
            voxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) }, labels: [label])
        try writer.append(voxels)
        try writer.finish()
    }

    func add(voxelSize: Double? = nil, datasetVoxelSize: Double? = nil) throws {
        let volume = try VolumeLocation(path: path).open()
        let tomogram = NewTomogram(
            name: "t", location: VolumeLocation(path: path), format: volume.header.format, scalarType: volume.scalarType,
            shape: volume.shape, headerVoxelSize: volume.header.voxelSize,
            userVoxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) })
        id = try catalog.collection.add([tomogram], dataset: "d", defaultVoxelSizeInAngstroms: datasetVoxelSize)[0].id
    }

    @discardableResult
    func run() throws -> RunReport? {
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in settings { try recipe.set(key, to: value) }
        return try Runner(catalog, store: store, graph: graph, recipe: recipe, options: .init(jobs: 2)).run()
    }

    func row() throws -> [String: QueryValue] {
        var result: [String: QueryValue] = [:]
        var names: [String] = []
        try QueryConnection(catalog).run("SELECT * FROM v_tomogram") {
            names = $0
        } row: { row in
            result = Dictionary(zip(names, row), uniquingKeysWith: { first, _ in first })
        }
        return result
    }

    func prepared(z: Int) throws -> Artifact {
        let slice = try #require(try catalog.collection.sliceID(ofTomogram: id, z: z))
        return try store.open(
            try #require(try catalog.results.standingArtifact(step: "prepare", scopeID: slice, output: "slice")))
    }
}

private func noise(z: Int, y: Int, x: Int, seed: UInt64 = 1) throws -> VoxelBuffer {
    var generator = RandomStream(state: seed)
    let shape = try #require(VolumeShape(z: z, y: y, x: x))
    return try #require(
        VoxelBuffer(shape: shape, values: (0..<shape.count).map { _ in Float.random(in: -3...5, using: &generator) }))
}

@Suite struct StandardStepsTests {
    @Test("describe measures what a plain computation measures")
    func describe() throws {
        let collection = try Collection()
        let voxels = try noise(z: 5, y: 33, x: 47)
        try collection.write(voxels)
        try collection.add()
        try collection.run()
        let values = voxels.floats().map(Double.init)
        let mean = values.reduce(0, +) / Double(values.count)
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
        let row = try collection.row()
        func real(_ name: String) throws -> Double {
            guard case .real(let value)? = row[name] else { throw PipelineError("no \(name)") }
            return value
        }
        #expect(try abs(real("density_mean") - mean) < 1e-9)
        #expect(try abs(real("density_std") - variance.squareRoot()) < 1e-9)
        #expect(try real("density_min") == values.min())
        #expect(try real("density_max") == values.max())
        #expect(row["size_x"] == .integer(47))
        #expect(
            row["voxel_digest"] == .text(try VolumeSurvey.run(VolumeLocation(path: collection.path).open()).digest.hexadecimal))
    }

    @Test("a prepared slice is conversion, CLAHE and tiles of the slice")
    func prepare() throws {
        let collection = try Collection()
        let voxels = try noise(z: 4, y: 90, x: 130)
        try collection.write(voxels)
        try collection.add()
        try collection.catalog.collection.addSlab(tomogramID: collection.id, z: 1..<3)
        collection.settings = ["prepare.tiles.size": "64", "prepare.tiles.overlap": "10", "prepare.clahe.grid": "4"]
        let report = try #require(try collection.run())
        #expect(report.isComplete, "\(report.failures)")

        let volume = try VolumeLocation(path: collection.path).open()
        let histogram = try VolumeSurvey.run(volume).histogram
        let conversion = try EightBitConversion(
            low: Float(#require(histogram.percentile(0.5))), high: Float(#require(histogram.percentile(99.5))))
        let expected = try CLAHE(clipLimit: 2, rows: 4, columns: 4)(conversion(volume.readSlice(z: 2)))
        let artifact = try collection.prepared(z: 2)
        #expect(try artifact.read("slice", as: UInt8.self, shape: [90, 130]) == expected.values)
        let tiles = try artifact.read("tiles", as: UInt8.self, shape: [4, 64, 64])
        let regions = try artifact.read("regions", as: Int32.self, shape: [4, 4])
        #expect(regions[0...3] == [0, 0, 50, 70])
        let region = try #require(ImageRegion(y: 0..<50, x: 0..<70))
        #expect(try Array(tiles[..<4096]) == expected.cropped(to: region).resized(height: 64, width: 64).values)
    }

    @Test("bright structures are turned dark")
    func polarity() throws {
        let collection = try Collection()
        try collection.write(noise(z: 1, y: 64, x: 64))
        try collection.add()
        try collection.catalog.collection.addSlab(tomogramID: collection.id, z: 0..<1)
        collection.settings = [
            "prepare.clahe.clip_limit": "0", "prepare.clahe.grid": "1", "prepare.density.structures": "bright",
        ]
        try collection.run()
        let values = try collection.prepared(z: 0).read("slice", as: UInt8.self)
        let density = try VolumeLocation(path: collection.path).open().readSlice(z: 0).floats()
        let brightest = try #require(density.indices.max { density[$0] < density[$1] })
        #expect(values[brightest] == values.min())
    }

    @Test("the voxel size is the user's, else the header's, else the dataset's; changing it reads no voxel")
    func voxelSize() throws {
        let collection = try Collection()
        let voxels = try noise(z: 2, y: 64, x: 64)
        try collection.write(voxels, voxelSize: nil)
        try collection.add()
        try collection.run()
        #expect(try collection.row()["voxel_size"] == .null)
        try collection.add(datasetVoxelSize: 7)
        #expect(try #require(try collection.run()).progress.ran == 2)
        #expect(try collection.row()["voxel_size"] == .real(7))
        // A new header: the file is read again, and its voxels are found to be the same.
        try collection.write(voxels, voxelSize: 10, label: "another label")
        let report = try #require(try collection.run())
        #expect(report.progress.ran == 3)
        #expect(try collection.row()["voxel_size"] == .real(10))
        try collection.add(voxelSize: 12)
        #expect(try #require(try collection.run()).progress.ran == 2)
        #expect(try collection.row()["voxel_size"] == .real(12))
        #expect(try collection.row()["voxel_size_source"] == .text("user"))
        for (name, value) in ["voxel_size_x": 12.0] {
            var found: QueryValue?
            try QueryConnection(collection.catalog).run(
                "SELECT value FROM v_metric WHERE step = 'calibrate' AND name = :name", parameters: ["name": .text(name)]
            ) { found = $0.first }
            #expect(found == .real(value))
        }
    }

    @Test("a tomogram of one value, or without a finite voxel, is defined: flat, or a clear failure")
    func degenerate() throws {
        let shape = try #require(VolumeShape(z: 1, y: 64, x: 64))
        let flat = try Collection()
        try flat.write(#require(VoxelBuffer(shape: shape, values: [Float](repeating: 3, count: 4096))))
        try flat.add()
        try flat.catalog.collection.addSlab(tomogramID: flat.id, z: 0..<1)
        #expect(try #require(try flat.run()).isComplete)
        #expect(Set(try flat.prepared(z: 0).read("slice", as: UInt8.self)).count == 1)

        let empty = try Collection()
        try empty.write(#require(VoxelBuffer(shape: shape, values: [Float](repeating: .nan, count: 4096))))
        try empty.add()
        try empty.catalog.collection.addSlab(tomogramID: empty.id, z: 0..<1)
        let report = try #require(try empty.run())
        #expect(report.progress.failed == 1)
        #expect(report.failures.first?.contains("no finite voxel") == true)
    }

    @Test("a file that shrank after it was described fails with its name, and is mended by a run after")
    func truncated() throws {
        let collection = try Collection()
        try collection.write(noise(z: 6, y: 64, x: 64))
        try collection.add()
        try collection.catalog.collection.addSlab(tomogramID: collection.id, z: 5..<6)
        let whole = try Data(contentsOf: URL(fileURLWithPath: collection.path))
        try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: collection.path))
        let report = try #require(try collection.run())
        #expect(report.progress.failed == 1)
        #expect(report.failures.first?.contains(collection.path) == true)
        try whole.write(to: URL(fileURLWithPath: collection.path))
        #expect(try #require(try collection.run()).isComplete)
    }
}
