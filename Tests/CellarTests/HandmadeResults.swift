import Basics
import BlobStore
import CellarKit
import Foundation
import TestSupport
import Testing

/// Results of trained networks, as the steps that give them would publish them, made by hand in a catalog of one tomogram of
/// 6 slices of 32 × 40 voxels of 10 Å, with the training set `first`.
struct HandmadeResults {
    let cellar: CellarProcess
    let folder: TemporaryDirectory
    let catalog: Catalog
    let store: BlobStore
    let tomogramID: Int64
    let setID: Int64
    static let shape = (z: 6, y: 32, x: 40)
    static let classes = AttributeValue.string("membrane, ribosome")

    init() throws {
        folder = try TemporaryDirectory()
        cellar = CellarProcess(in: folder)
        #expect(try cellar("init").status == 0)
        let shape = try #require(VolumeShape(z: Self.shape.z, y: Self.shape.y, x: Self.shape.x))
        let writer = try MRCWriter(
            path: folder.file("t.mrc"), shape: shape, scalarType: .float32, voxelSize: VoxelSize(cubicInAngstroms: 10))
        try writer.append(#require(VoxelBuffer(shape: shape, values: (0..<shape.count).map { Float($0 % 97) })))
        try writer.finish()
        #expect(try cellar("add", "t.mrc", "--dataset", "d").status == 0)
        #expect(try cellar("slab", "add", "t", "--z", "1..<3").status == 0)
        #expect(try cellar("training", "add", "first").status == 0)
        catalog = try Catalog.open(at: CatalogDirectory(path: folder.file(".cellar")))
        store = try BlobStore(directory: catalog.directory.blobs)
        tomogramID = try #require(try catalog.collection.tomogram(named: "t").id)
        setID = try #require(try catalog.collection.trainingSets().first?.id)
    }

    static func digest(_ text: String) throws -> Digest {
        let bytes = Array(text.utf8)
        return try #require(Digest((0..<32).map { UInt8(truncatingIfNeeded: $0 &* 7) ^ bytes[$0 % bytes.count] }))
    }

    /// Publishes what a step gave for the tomogram or the training set; with a run of its own, which is over then.
    ///
    /// - Parameters:
    ///   - curves: what it logs, point by point from x = 1, before it is done.
    ///   - id: of a scope that is neither, such as a slab.
    ///   - inputs: what it was computed from, as its trace lists it.
    ///   - values: outputs that are values, as JSON.
    ///   - isDone: whether it comes to an end; the run goes on, where it does not.
    func publish(
        _ step: String, _ scope: ScopeKind = .tomogram, of id: Int64? = nil, key: String = "",
        metrics: [(name: String, value: Double)] = [],
        inputs: [ItemOutcome.Input] = [], models: [String: String] = [:], values: [String: String] = [:],
        objects: [FoundObject] = [],
        curves: [String: [Double]] = [:], isDone: Bool = true,
        artifacts: [(name: String, kind: String, (ArtifactWriter) throws -> Void)] = []
    ) throws {
        let (digest, scopeID) = (try Self.digest("\(step)\(key)"), id ?? (scope == .tomogram ? tomogramID : setID))
        let (runID, ids) = try catalog.runs.begin(
            command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest, "{}"),
            configurations: [
                .init(step: step, scope: scope, version: 1, parameters: [:], models: models, digest: digest)
            ])
        for (name, values) in curves {
            for (index, value) in values.enumerated() {
                try catalog.results.log(
                    name, at: index + 1, value,
                    for: .init(stepID: ids[0].stepID, scopeID: scopeID, key: digest, runID: runID))
            }
        }
        guard isDone else { return }
        let staged = try artifacts.map { artifact in (artifact.name, try store.stage(kind: artifact.kind, artifact.2)) }
        try store.commit(staged.map(\.1))
        try catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: scopeID, configurationID: ids[0].configurationID, key: digest,
                        startedAt: "2026-01-01T00:00:00.000Z", seconds: 1, inputs: inputs,
                        outputs: staged.map { name, artifact in
                            .init(
                                name: name, digest: artifact.digest,
                                content: .artifact(kind: artifact.kind, bytes: artifact.byteCount, evictable: false))
                        } + values.map { .init(name: $0, digest: digest, content: .value($1)) }, metrics: metrics,
                        objects: objects))
            ], runID: runID)
        try catalog.runs.end(runID, status: .done)
    }

    /// Labels by columns: 1 from x 10, 2 from x 20 on; probabilities 255 · z / 5, and 255 minus that.
    ///
    /// - Parameter inputs: what the step read.
    func publishSegmentation(
        classes: AttributeValue = Self.classes, depth: Int = Self.shape.z, inputs: [ItemOutcome.Input] = []
    ) throws {
        let (slice, width) = (Self.shape.y * Self.shape.x, Self.shape.x)
        let shape = [depth, Self.shape.y, width]
        let labels = (0..<depth * slice).map { index -> UInt8 in
            let x = index % width
            return x < 10 ? 0 : x < 20 ? 1 : 2
        }
        let first = (0..<depth * slice).map { UInt8(51 * ($0 / slice)) }
        try publish(
            "segment", inputs: inputs,
            artifacts: [
                (
                    "labels", "segmentation",
                    { artifact in
                        try artifact.setAttribute("classes", classes)
                        try artifact.write("labels", shape: shape, values: labels)
                    }
                ),
                (
                    "probability", "probabilities",
                    { artifact in
                        try artifact.setAttribute("classes", classes)
                        try artifact.write("class_1", shape: shape, values: first)
                        try artifact.write("class_2", shape: shape, values: first.map { 255 - $0 })
                    }
                ),
            ])
    }

    /// The centre surface of the class membrane of ``publishSegmentation(classes:depth:inputs:)``: the plane between x 14 and x
    /// 15.
    ///
    /// - Parameters:
    ///   - sheets: the labels of the classes that have one.
    ///   - isOld: whether it is of another segmentation.
    func publishCentreSurface(sheets: [Int] = [1], isOld: Bool = false, inputs: [ItemOutcome.Input] = []) throws {
        let labels = try #require(
            try catalog.results.standingArtifact(step: "segment", scopeID: tomogramID, output: "labels"))
        let (shape, width) = ([Self.shape.z, Self.shape.y, Self.shape.x], Self.shape.x)
        // 1 + 36 · 3 + 6 · 3: in the first sixth of a voxel along x, and behind the middle along y and z.
        let codes = (0..<shape.reduce(1, *)).map { UInt8($0 % width == 15 ? 127 : 0) }
        try publish(
            "centre-surface", key: "\(sheets) \(isOld)", inputs: inputs,
            artifacts: [
                (
                    "surfaces", "centre-surfaces",
                    { artifact in
                        try artifact.setAttribute("classes", Self.classes)
                        try artifact.setAttribute("labels", .string(isOld ? "0" : labels.hexadecimal))
                        for label in sheets { try artifact.write("class_\(label)", shape: shape, values: codes) }
                    }
                )
            ])
    }

    /// Two ribosomes: at slice 2 with a radius of 50 Å, and at slice 5 with one of 20 Å.
    ///
    /// - Parameter inputs: what the step read.
    func publishPicks(isEmpty: Bool = false, inputs: [ItemOutcome.Input] = []) throws {
        let rows: [[Double]] = isEmpty ? [] : [[200, 160, 20, 50, 0.9, 2], [100, 100, 50, 20, 0.4, 2]]
        let objects = rows.enumerated().map { index, row in
            let (center, radius) = (SIMD3(row[0], row[1], row[2]), SIMD3(repeating: row[3]))
            return FoundObject(
                number: index + 1, class: "ribosome", centroidInAngstroms: center, radiusInAngstroms: row[3], voxels: 30,
                volumeInCubicNanometers: 100, confidence: row[4], boxMinimumInAngstroms: center - radius,
                boxMaximumInAngstroms: center + radius)
        }
        try publish(
            "pick", inputs: inputs, objects: objects,
            artifacts: [
                (
                    "particles", "picks",
                    { artifact in
                        try artifact.setAttribute("classes", Self.classes)
                        if !rows.isEmpty {
                            try artifact.write("particles", shape: [rows.count, 6], values: Array(rows.joined()))
                        }
                    }
                )
            ])
    }

    /// Descriptors of the two picks, and of as many others as kinds take: in two groups, on a line each.
    func publishDescriptors() throws {
        let picks = try #require(try catalog.results.standingArtifact(step: "pick", scopeID: tomogramID, output: "particles"))
        try publish(
            "descriptors", inputs: [.init(name: "pick.particles", digest: picks, value: nil)],
            artifacts: [
                (
                    "rows", "descriptors",
                    { artifact in
                        try artifact.setAttribute("parts", .string("shells"))
                        try artifact.setAttribute("version", .integer(1))
                        try artifact.setAttribute("radius", .real(115))
                        try artifact.setAttribute("tilt", .real(60))
                        try artifact.setAttribute("structures", .string("dark"))
                        var rows: [Float16] = []
                        for row in 0..<80 { rows += [row % 2 == 0 ? 0 : 90, Float16(row % 7) / 10, Float16(row % 11) / 10] }
                        try artifact.write("rows", shape: [80, 3], values: rows)
                    }
                )
            ])
    }

    /// A network whose artifact holds these bytes.
    func publishNetwork(_ step: String, bytes: [UInt8]) throws {
        try publish(
            step, .trainingSet,
            artifacts: [
                (
                    "network", "network",
                    { artifact in
                        try artifact.setAttribute("classes", Self.classes)
                        try artifact.setAttribute("voxel_size", .real(10))
                        try artifact.write("safetensors", shape: [bytes.count], values: bytes)
                    }
                )
            ])
    }
}
