import CellarKit
import TestSupport
import Testing

/// A project with one tomogram `t` of 60 slices of 200 × 200 voxels, whose file is not there, and particles that a picker found, as
/// its step would publish them.
final class JudgedProject {
    /// A particle that was found: its place in voxels, its radius in Å, and its confidence.
    struct Pick {
        var place: SIMD3<Double>
        var confidence = 0.9
        var radius: Double? = 50
        var className = "ribosome"
    }

    let folder: TemporaryDirectory
    let project: Project
    private(set) var tomogramID: Int64 = 0
    private var files = 0

    init(voxelSize: Double? = 10) throws {
        folder = try TemporaryDirectory()
        project = try Project.create(at: CatalogDirectory(path: folder.file(".cellar")))
        tomogramID = try say(voxelSize: voxelSize)
    }

    /// Adds the tomogram, or says its voxel size anew.
    @discardableResult
    func say(voxelSize: Double?) throws -> Int64 {
        let tomogram = NewTomogram(
            name: "t", location: VolumeLocation(path: folder.file("t.mrc")), format: "mrc", scalarType: .float32,
            shape: try #require(VolumeShape(z: 60, y: 200, x: 200)),
            userVoxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) })
        return try project.catalog.collection.add([tomogram], dataset: "d")[0].id
    }

    func digest(_ text: String) -> Digest { Digest(of: text.utf8) }

    /// Publishes the result of a step on a tomogram; on `t`, if no other is named.
    func publish(
        _ step: String, key: String, inputs: [ItemOutcome.Input] = [], outputs: [ItemOutcome.Output] = [],
        objects: [FoundObject] = [], models: [String: String] = [:], of tomogram: Int64? = nil
    ) throws {
        let (runID, ids) = try project.catalog.runs.begin(
            command: "test", version: "0", owner: "test", host: "here", pid: 1, recipe: (digest(key), "{}"),
            configurations: [
                .init(step: step, scope: .tomogram, version: 1, parameters: [:], models: models, digest: digest("\(step)\(key)"))
            ])
        try project.catalog.results.record(
            [
                .done(
                    .init(
                        stepID: ids[0].stepID, scopeID: tomogram ?? tomogramID, configurationID: ids[0].configurationID,
                        key: digest("key \(step)\(key)"), startedAt: "2026-01-01T00:00:00.000Z", seconds: 1, inputs: inputs,
                        outputs: outputs, metrics: [], objects: objects))
            ], runID: runID)
        try project.catalog.runs.end(runID, status: .done)
    }

    /// Publishes what the picker found, in Å of a voxel size.
    func find(_ picks: [Pick], key: String = "", voxelSize: Double = 10) throws {
        let size = digest("voxel size \(key)")
        try publish(
            "calibrate", key: key,
            outputs: [.init(name: "voxel-size", digest: size, content: .value("[\(voxelSize),\(voxelSize),\(voxelSize)]"))])
        let objects = picks.enumerated().map { index, pick in
            let (centre, radius) = (pick.place * voxelSize, SIMD3(repeating: pick.radius ?? 50))
            return FoundObject(
                number: index + 1, class: pick.className, centroidInAngstroms: centre, radiusInAngstroms: pick.radius, voxels: 30,
                volumeInCubicNanometers: 100, confidence: pick.confidence, boxMinimumInAngstroms: centre - radius,
                boxMaximumInAngstroms: centre + radius)
        }
        try publish(
            "pick", key: key, inputs: [.init(name: "calibrate.voxel-size", digest: size, value: nil)],
            outputs: [.init(name: "particles", digest: digest("picks \(key)"), content: .value("[]"))], objects: objects)
    }

    /// Where points are that an export writes, in Å, by x, and its line for people.
    func exported(leastConfidence: Double? = nil, isCurated: Bool = true) throws -> (points: [PickedPoint], contents: String) {
        files += 1
        let path = folder.file("points-\(files).csv")
        let export = try project.exportPoints(
            of: "t", leastConfidence: leastConfidence, isCurated: isCurated, convention: .angstrom,
            to: OutputFiles(at: path, knownTo: project.directory, areReplaced: false).file(path))
        let points = try PointFile.read(path, convention: .angstrom).points
        return (points.sorted { ($0.x, $0.y) < ($1.x, $1.y) }, export.contents)
    }
}
