import Basics
import BlobStore
import Catalog
import CatalogSchema
import CellarKit
import Engine
import Foundation
import Pipeline
import TestSupport
import Testing
import Volumes

@testable import Viewer

/// A catalog of one tomogram, `t` of the dataset `d`: 20 slices of 70 × 130 voxels of 10 Å, with the slabs 4..<8 and 6..<10. It has no results.
struct ImageCatalog {
    static let shape = (z: 20, y: 70, x: 130)

    let folder: TemporaryDirectory
    let project: Project
    let store: BlobStore
    let tomogramID: Int64
    /// Of the first slab.
    let slabID: Int64

    init<Value: VoxelScalar>(_ voxel: (_ z: Int, _ y: Int, _ x: Int) -> Value) throws {
        folder = try TemporaryDirectory()
        let directory = CatalogDirectory(path: folder.file(".cellar"))
        _ = try Catalog.create(at: directory)
        project = try Project(at: directory)
        store = try BlobStore(directory: project.directory.blobs)
        let shape = try #require(VolumeShape(z: Self.shape.z, y: Self.shape.y, x: Self.shape.x))
        let location = VolumeLocation(path: folder.file("t.mrc"))
        try Self.write(location.path, voxel)
        try project.catalog.collection.add(
            [
                NewTomogram(
                    name: "t", location: location, format: "mrc", scalarType: Value.scalarType, shape: shape,
                    headerVoxelSize: VoxelSize(cubicInAngstroms: 10))
            ], dataset: "d")
        tomogramID = try #require(try project.catalog.collection.tomogram(named: "t").id)
        slabID = try #require(try project.catalog.collection.addSlab(tomogramID: tomogramID, z: 4..<8).id)
        try project.catalog.collection.addSlab(tomogramID: tomogramID, z: 6..<10)
    }

    /// Densities without a pattern, 0 to 1008.
    static func density(_ z: Int, _ y: Int, _ x: Int) -> Float { Float((z * 7919 + y * 104_729 + x * 1_299_709) % 1009) }

    init() throws { try self.init(Self.density) }

    var catalog: Catalog { project.catalog }

    /// Writes an MRC file, in place of one that is there.
    static func write<Value: VoxelScalar>(_ path: String, _ voxel: (_ z: Int, _ y: Int, _ x: Int) -> Value) throws {
        let shape = try #require(VolumeShape(z: Self.shape.z, y: Self.shape.y, x: Self.shape.x))
        let writer = try MRCWriter(
            OutputFile(path, replacing: true, protecting: .none), shape: shape, scalarType: Value.scalarType,
            voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: volume(voxel))))
        try writer.finish()
    }

    /// The voxels of a volume of the tomogram's size, `[z][y][x]`.
    static func volume<Value>(_ voxel: (_ z: Int, _ y: Int, _ x: Int) -> Value) -> [Value] {
        (0..<shape.z * shape.y * shape.x).map { index in
            voxel(index / (shape.y * shape.x), index / shape.x % shape.y, index % shape.x)
        }
    }

    /// Publishes a result of a step on the tomogram, or on another scope, in a run of its own.
    func publish(
        _ step: String, _ scope: ScopeKind = .tomogram, of id: Int64? = nil, objects: [FoundObject] = [],
        artifacts: [(name: String, kind: String, write: (ArtifactWriter) throws -> Void)] = []
    ) throws {
        let digest = Digest(of: "\(step) \(UUID().uuidString)".utf8)
        let (runID, ids) = try catalog.runs.begin(
            command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest, "{}"),
            configurations: [.init(step: step, scope: scope, version: 1, parameters: [:], models: [:], digest: digest)])
        let staged = try artifacts.map { ($0.name, $0.kind, try store.stage(kind: $0.kind, $0.write)) }
        try store.commit(staged.map(\.2))
        try catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: id ?? tomogramID, configurationID: ids[0].configurationID, key: digest,
                        startedAt: "2026-01-01T00:00:00.000Z", seconds: 1, inputs: [],
                        outputs: staged.map { name, kind, artifact in
                            .init(
                                name: name, digest: artifact.digest,
                                content: .artifact(kind: kind, bytes: artifact.byteCount, evictable: false))
                        }, metrics: [], objects: objects))
            ], runID: runID)
        try catalog.runs.end(runID, status: .done)
    }

    /// Publishes one image as the result of a step on the slice z.
    func publishSlice(
        _ step: String, _ output: String, _ kind: String, _ dataset: String, z: Int, values: [UInt8]
    ) throws {
        let slice = try #require(try catalog.collection.sliceID(ofTomogram: tomogramID, z: z))
        try publish(
            step, .slice, of: slice,
            artifacts: [(output, kind, { try $0.write(dataset, shape: [Self.shape.y, Self.shape.x], values: values) })])
    }

    /// The label of a voxel of ``publishSegmentation(depth:)``: a row of 2 at y 0, and a plane of 1 at x 129.
    static func label(_ z: Int, _ y: Int, _ x: Int) -> UInt8 { y == 0 ? 2 : x == 129 ? 1 : 0 }

    /// Publishes labels (``label(_:_:_:)``), and the probability z · 12 of 255 of the first class.
    func publishSegmentation(depth: Int = shape.z) throws {
        let shape = [depth, Self.shape.y, Self.shape.x]
        let count = shape.reduce(1, *)
        let classes = AttributeValue.string("membrane, ribosome")
        try publish(
            SegmentStep.name,
            artifacts: [
                (
                    "labels", Segmentation.kind,
                    { artifact in
                        try artifact.setAttribute("classes", classes)
                        try artifact.write("labels", shape: shape, values: Array(Self.volume(Self.label).prefix(count)))
                    }
                ),
                (
                    "probability", ClassProbabilities.kind,
                    { artifact in
                        try artifact.setAttribute("classes", classes)
                        let values = Self.volume { z, _, _ in UInt8(12 * z) }
                        try artifact.write("class_1", shape: shape, values: Array(values.prefix(count)))
                        try artifact.write("class_2", shape: shape, values: [UInt8](repeating: 0, count: count))
                    }
                ),
            ])
    }

    /// Publishes labels of the first slab: the class of a voxel is 1 where x is its slice in the slab.
    func publishSlab(_ step: String) throws {
        let shape = [4, Self.shape.y, Self.shape.x]
        let classes = (0..<shape.reduce(1, *)).map { index -> UInt8 in
            index % Self.shape.x == index / (Self.shape.y * Self.shape.x) ? 1 : 0
        }
        try publish(
            step, .slab, of: slabID,
            artifacts: [
                (
                    "labels", PseudoLabels.kind,
                    { artifact in
                        try artifact.write("classes", shape: shape, values: classes)
                        try artifact.write("objects", shape: shape, values: [Int32](repeating: 0, count: classes.count))
                    }
                )
            ])
    }
}

/// A volume in memory, whose chunks are as a test says.
struct MemoryVolume<Value: VoxelScalar>: Volume {
    let shape: VolumeShape
    let chunkShape: VolumeShape
    let values: [Value]
    var scalarType: ScalarType { Value.scalarType }
    let header = VolumeHeader(path: "memory", format: "memory")

    /// - Parameter chunk: of each axis as much as there is, at most.
    init(_ shape: VolumeShape, chunk: (z: Int, y: Int, x: Int), _ values: [Value]) throws {
        (self.shape, self.values) = (shape, values)
        chunkShape = try #require(VolumeShape(z: min(chunk.z, shape.z), y: min(chunk.y, shape.y), x: min(chunk.x, shape.x)))
    }

    func read(_ box: Box, into destination: UnsafeMutableRawBufferPointer) throws(VolumeError) {
        guard box.isInside(shape), destination.count == box.shape.count * scalarType.size else {
            throw VolumeError(.outOfBounds, "has no such box")
        }
        var place = 0
        for z in box.z {
            for y in box.y {
                for x in box.x {
                    destination.storeBytes(of: values[(z * shape.y + y) * shape.x + x], toByteOffset: place, as: Value.self)
                    place += scalarType.size
                }
            }
        }
    }
}
