import BlobStore
import Catalog
import Engine
import Foundation
import GRDB
import TestSupport
import Volumes

/// A catalog in a temporary directory with toy tomograms: text files of a few lines.
final class ToyCollection {
    let directory: TemporaryDirectory
    let catalog: Catalog
    var store: BlobStore
    var steps = ToySteps()
    var settings: [String: String] = [:]

    /// The depth of every toy tomogram.
    static let depth = 40

    init(in directory: TemporaryDirectory? = nil) throws {
        let directory = try directory ?? TemporaryDirectory()
        self.directory = directory
        let place = CatalogDirectory(path: directory.file(".cellar"))
        catalog = try place.exists ? Catalog.open(at: place) : Catalog.create(at: place)
        store = try BlobStore(directory: place.blobs)
    }

    func path(_ name: String) -> String { directory.file("data/\(name).txt") }

    /// Writes a tomogram's file with a new time of change.
    func write(_ name: String, _ text: String) throws {
        try directory.write("data/\(name).txt", text.utf8)
    }

    @discardableResult
    func add(_ name: String, text: String? = nil, voxelSize: Double? = nil, dataset: String = "toys") throws -> Int64 {
        if let text { try write(name, text) }
        guard let shape = VolumeShape(z: Self.depth, y: 4, x: 4) else { throw ToyError(description: "no shape") }
        let tomogram = NewTomogram(
            name: name, location: VolumeLocation(path: path(name)), format: "text", scalarType: .uint8, shape: shape,
            userVoxelSize: voxelSize.flatMap { VoxelSize(cubicInAngstroms: $0) })
        return try catalog.add([tomogram], dataset: dataset)[0].id
    }

    func graph() throws -> StepGraph { try StepGraph(steps.all) }

    func recipe() throws -> Recipe {
        var recipe = Recipe(steps: try graph().steps)
        for (key, value) in settings { try recipe.set(key, to: value) }
        return recipe
    }

    func plan() throws -> Plan { try Planner(catalog, graph: graph(), recipe: recipe()).plan() }

    /// Runs what is stale, and says which items ran.
    @discardableResult
    func run(jobs: Int = 2, failsFast: Bool = false) throws -> (report: RunReport?, ran: [String]) {
        let runner = Runner(
            catalog, store: store, graph: try graph(), recipe: try recipe(),
            options: .init(jobs: jobs, failsFast: failsFast, command: "test", version: "0"))
        let report = try runner.run()
        return (report, steps.log.take())
    }

    func explain(_ tomogramID: Int64) throws -> Explanation {
        try Explainer(catalog, graph: graph(), recipe: recipe()).explain(tomogramID: tomogramID)
    }

    /// The result that stands for each step on each scope: the digests of its outputs, by names that another catalog
    /// of the same tomograms would use too.
    func results() throws -> [String: String] {
        try catalog.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT v_step.step, v_step.tomogram, v_step.z_first, v_step.z_end, v_step.scope,
                        group_concat(trace_output.name || '=' || lower(hex(trace_output.digest)), ' ') AS outputs,
                        annotation.path AS annotation
                    FROM v_step JOIN trace_output ON trace_output.trace_id = v_step.trace_id
                    LEFT JOIN annotation ON v_step.scope = 'annotation' AND annotation.id = v_step.scope_id
                    GROUP BY v_step.step, v_step.scope, v_step.scope_id
                    """)
            return Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    let z = (row["z_first"] as Int?).map { "\($0)..<\((row["z_end"] as Int?) ?? 0)" } ?? ""
                    let annotation = (row["annotation"] as String?).map { URL(fileURLWithPath: $0).lastPathComponent } ?? ""
                    return ("\(row["step"] as String) \((row["tomogram"] as String?) ?? "?") \(z)\(annotation)", row["outputs"])
                })
        }
    }
}
