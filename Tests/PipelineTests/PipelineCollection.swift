import Basics
import BlobStore
import Catalog
import CatalogSchema
import Engine
import Foundation
import TestSupport
import Testing
import Volumes

@testable import Pipeline

/// A catalog with one tomogram, whose slices a test may pick.
final class PipelineCollection {
    let directory: TemporaryDirectory
    let catalog: Catalog
    let store: BlobStore
    let graph: StepGraph
    let tomogramID: Int64
    var settings: [String: String]

    /// - Parameter voxels: `[z][y][x]`
    init(_ voxels: VoxelBuffer, voxelSize: Double = 10, settings: [String: String] = [:]) throws {
        self.settings = settings
        directory = try TemporaryDirectory()
        let place = CatalogDirectory(path: directory.file(".cellar"))
        catalog = try Catalog.create(at: place)
        store = try BlobStore(directory: place.blobs)
        graph = try StepGraph(StandardSteps.all)
        let writer = try MRCWriter(
            path: directory.file("t.mrc"), shape: voxels.shape, scalarType: voxels.scalarType,
            voxelSize: VoxelSize(cubicInAngstroms: voxelSize))
        try writer.append(voxels)
        try writer.finish()
        let location = VolumeLocation(path: directory.file("t.mrc"))
        let volume = try location.open()
        tomogramID = try catalog.collection.add(
            [
                NewTomogram(
                    name: "t", location: location, format: volume.header.format, scalarType: volume.scalarType,
                    shape: volume.shape, headerVoxelSize: volume.header.voxelSize)
            ], dataset: "d")[0].id
    }

    /// Dark discs on noise, in every slice the same; another noise in each.
    static func discs(z: Int, side: Int, contrast: Float = 3, seed: UInt64 = 1) throws -> VoxelBuffer {
        var generator = RandomStream(state: seed)
        let shape = try #require(VolumeShape(z: z, y: side, x: side))
        let radius = Float(side) / 12
        let values = (0..<shape.count).map { index -> Float in
            let (y, x) = (Float(index / side % side), Float(index % side))
            let isInside = [(0.25, 0.3), (0.7, 0.65), (0.3, 0.75)].contains { place in
                let (dy, dx) = (y - Float(place.0) * Float(side), x - Float(place.1) * Float(side))
                return dy * dy + dx * dx < radius * radius
            }
            return (isInside ? -contrast : 0) + Float.random(in: -1...1, using: &generator)
        }
        return try #require(VoxelBuffer(shape: shape, values: values))
    }

    /// Adds a model to the catalog, after a check of its files.
    func addModel(_ name: String, at path: String, kind: ModelKind = .network) throws {
        let files = try ModelFiles(path, kind: kind)
        try files.verify()
        try catalog.collection.setModel(name: name, kind: kind.rawValue, path: files.path, digest: files.digest())
    }

    /// Adds a network whose file has these bytes.
    func addModel(_ name: String, _ bytes: [UInt8]) throws {
        try addModel(name, at: directory.write("\(name).safetensors", bytes))
    }

    /// The bytes of the network that the current training set taught.
    func network(_ step: String) throws -> [UInt8] {
        let set = try #require(try catalog.collection.currentTrainingSet()?.id)
        let digest = try #require(try catalog.results.standingArtifact(step: step, scopeID: set, output: "network"))
        var bytes: [UInt8] = []
        try TrainedNetwork(store.open(digest)).forEachPart { bytes += $0 }
        return bytes
    }

    @discardableResult
    func run(cancellation: Cancellation = Cancellation()) throws -> RunReport? {
        var recipe = Recipe(steps: graph.steps)
        for (key, value) in settings { try recipe.set(key, to: value) }
        return try Runner(catalog, store: store, graph: graph, recipe: recipe, options: .init(jobs: 2)).run(
            cancellation: cancellation)
    }

    func artifact(_ step: String, _ output: String, z: Int) throws -> Artifact {
        let slice = try #require(try catalog.collection.sliceID(ofTomogram: tomogramID, z: z))
        return try store.open(#require(try catalog.results.standingArtifact(step: step, scopeID: slice, output: output)))
    }

    func value<Value: Decodable>(_ step: String, _ output: String, scopeID: Int64, as type: Value.Type) throws -> Value {
        let text = try #require(try catalog.results.standingValue(step: step, scopeID: scopeID, output: output)).text
        return try JSONDecoder().decode(type, from: Data(text.utf8))
    }
}
