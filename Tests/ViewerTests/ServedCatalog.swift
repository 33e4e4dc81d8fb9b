import Basics
import BlobStore
import Catalog
import CatalogSchema
import CellarKit
import Foundation
import Pipeline
import TestSupport
import Testing
import Volumes

@testable import Viewer

/// A catalog of tomograms of 6 × 32 × 40 voxels of 10 Å in the dataset `d`; the slices 1 and 2 of the first are a slab. The second
/// has no voxel size.
struct ServedCatalog {
    static let token = "0123456789abcdef0123456789abcdef"

    let folder: TemporaryDirectory
    let project: Project

    /// - Parameter count: how many tomograms there are: `t1`, `t2`, …
    init(tomograms count: Int = 3) throws {
        folder = try TemporaryDirectory()
        let directory = CatalogDirectory(path: folder.file("cells/.cellar"))
        // Without models, which take a moment to write: what is served of them is nothing.
        _ = try Catalog.create(at: directory)
        project = try Project(at: directory)
        let shape = try #require(VolumeShape(z: 6, y: 32, x: 40))
        let voxelSize = try #require(VoxelSize(cubicInAngstroms: 10))
        for number in 1...count {
            let writer = try MRCWriter(
                OutputFile(folder.file("t\(number).mrc"), replacing: false, protecting: .none), shape: shape,
                scalarType: .float32,
                voxelSize: voxelSize)
            try writer.append(#require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0 % (90 + number)) })))
            try writer.finish()
        }
        let files = (1...count).map { number in
            NewTomogram(
                name: "t\(number)", location: VolumeLocation(path: folder.file("t\(number).mrc")), format: "mrc",
                scalarType: .float32, shape: shape, headerVoxelSize: number == 2 ? nil : voxelSize,
                metadata: number == 1 ? ["grid": "A3, \"left\""] : [:])
        }
        try project.catalog.collection.add(files, dataset: "d")
        try project.catalog.collection.addSlab(tomogramID: 1, z: 1..<3)
    }

    var catalog: Catalog { project.catalog }

    func api(isReadOnly: Bool = false) throws -> ViewerAPI { try ViewerAPI(project, isReadOnly: isReadOnly, version: "1.2") }

    func service(isReadOnly: Bool = false, host: String = "127.0.0.1", port: UInt16 = 8480) throws -> ViewerService {
        try ViewerService(
            project, access: ViewerAccess(host: host, port: port, token: Self.token), isReadOnly: isReadOnly, version: "1.2")
    }

    /// Publishes a result of `describe` with one density, in a run of its own.
    func describe(_ tomogram: Int64, density: Double, objects: [FoundObject] = []) throws {
        let step = DescribeStep.name
        let digest = Digest(of: "\(step) \(tomogram) \(density)".utf8)
        let (runID, ids) = try catalog.runs.begin(
            command: "run", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest, "{}"),
            configurations: [.init(step: step, scope: .tomogram, version: 1, parameters: [:], models: [:], digest: digest)])
        try catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: tomogram, configurationID: ids[0].configurationID, key: digest,
                        startedAt: "2026-01-01T00:00:00.000Z", seconds: 1, inputs: [], outputs: [],
                        metrics: [("density_mean", density), ("size_x", 40), ("size_y", 32), ("size_z", 6)], objects: objects))
            ], runID: runID)
        try catalog.runs.end(runID, status: .done)
    }

    /// Twelve objects, each third one a membrane.
    static let objects = (1...12).map { number in
        FoundObject(
            number: number, class: number.isMultiple(of: 3) ? "membrane" : "ribosome", centroidInAngstroms: .zero, voxels: 1,
            volumeInCubicNanometers: Double(100 - number), boxMinimumInAngstroms: .zero, boxMaximumInAngstroms: .one)
    }

    /// A request of one who has the token, at the server's address.
    static func request(
        _ target: String, method: String = "GET", body: String = "", headers: [String: String] = [:]
    ) -> ViewerRequest {
        let usual = [
            "host": "127.0.0.1:8480", "cookie": "cellar_token_8480=\(token)", "content-type": "application/json",
        ]
        return ViewerRequest(
            method: method, target: target, headers: usual.merging(headers) { $1 }.filter { !$0.value.isEmpty },
            body: Array(body.utf8))
    }
}

extension ViewerResponse {
    /// The body as JSON.
    func json() throws -> Any { try JSONSerialization.jsonObject(with: Data(bytes)) }

    /// The body as an object of JSON.
    func object() throws -> [String: Any] { try #require(json() as? [String: Any]) }

    /// The sentence of an error; nil where the body is none.
    var sentence: String? { (try? object()["error"]) as? String }
}
