import CellarKit
import TestSupport
import Testing

/// A project with particles of several tomograms, whose descriptors are numbers that a test says.
final class Described {
    let judged: JudgedProject
    var project: Project { judged.project }
    private(set) var tomograms: [String: Int64] = [:]

    init() throws {
        judged = try JudgedProject()
        tomograms["t"] = judged.tomogramID
    }

    /// Adds a tomogram whose picks are balls of 50 Å along x, 200 Å apart.
    func add(_ name: String, _ rows: [[Float]], parts: String = "shells") throws {
        if tomograms[name] == nil {
            let tomogram = NewTomogram(
                name: name, location: VolumeLocation(path: judged.folder.file("\(name).mrc")), format: "mrc",
                scalarType: .float32, shape: try #require(VolumeShape(z: 60, y: 200, x: 200)),
                userVoxelSize: VoxelSize(cubicInAngstroms: 10))
            tomograms[name] = try project.catalog.collection.add([tomogram], dataset: "d")[0].id
        }
        let id = try #require(tomograms[name])
        try pick(name, rows.count)
        // As Schema/blobs.md has it.
        let store = try BlobStore(directory: project.directory.blobs)
        let staged = try store.stage(kind: "descriptors") { artifact in
            try artifact.setAttribute("parts", .string(parts))
            try artifact.setAttribute("version", .integer(1))
            try artifact.setAttribute("radius", .real(115))
            try artifact.setAttribute("tilt", .real(60))
            try artifact.setAttribute("structures", .string("dark"))
            // HDF5 datasets here have at least one element.
            guard let first = rows.first else { return }
            try artifact.write("rows", shape: [rows.count, first.count], values: rows.flatMap { $0.map { Float16($0) } })
        }
        try store.commit([staged])
        try judged.publish(
            "descriptors", key: name,
            inputs: [.init(name: "pick.particles", digest: judged.digest("picks \(name)"), value: nil)],
            outputs: [
                .init(
                    name: "rows", digest: staged.digest,
                    content: .artifact(kind: "descriptors", bytes: 1000, evictable: true))
            ], of: id)
    }

    /// Picks balls anew.
    func pick(_ name: String, _ count: Int, key: String = "") throws {
        let id = try #require(tomograms[name])
        let objects = (0..<count).map { index in
            let centre = SIMD3(100 + 200 * Double(index), 100, 100)
            return FoundObject(
                number: index + 1, class: index % 2 == 0 ? "even" : "odd", centroidInAngstroms: centre, radiusInAngstroms: 50,
                voxels: 30, volumeInCubicNanometers: 100, confidence: 0.9, boxMinimumInAngstroms: centre - 50,
                boxMaximumInAngstroms: centre + 50)
        }
        try judged.publish(
            "pick", key: name,
            outputs: [.init(name: "particles", digest: judged.digest("picks \(name)\(key)"), content: .value("[]"))],
            objects: objects, of: id)
    }

    func names(_ similar: SimilarParticles) -> [String] {
        similar.hits.map { hit in "\(tomograms.first { $0.value == hit.tomogramID }?.key ?? "?")#\(hit.number)" }
    }
}
