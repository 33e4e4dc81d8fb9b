import Basics
import BlobStore
import CellarKit
import Foundation
import Glibc
import TestSupport
import Testing

/// A small collection in each state from which a command begins: two tomograms of 64 × 64 × 16 voxels, of which two slices are
/// segmented without weights, and a recipe.
struct FaultScene: Sendable {
    /// A command that meets faults.
    enum Command: String, CaseIterable, Sendable {
        case `init`, add, recipe, run, gc, backup, labels, points

        fileprivate var state: State {
            switch self {
            case .`init`: .empty
            case .add: .made
            case .recipe, .run: .added
            case .gc, .backup, .labels, .points: .ran
            }
        }

        /// Whether it may be given only once: what it made is there already.
        var isForOnce: Bool { self == .`init` || self == .backup }
    }

    fileprivate enum State: String, CaseIterable, Sendable { case empty, made, added, ran }

    let program: FaultyProgram
    private let directories: [TemporaryDirectory]
    private let root: String
    private let tomograms: [String: Data]

    /// What a command gives that meets no fault: the calls that count, and what is there at the end.
    struct Reference: Sendable {
        let calls: [SystemCall]
        let recipe: String
        let results: [String]
        let export: Data?
    }

    init() throws {
        directories = [try TemporaryDirectory(), try TemporaryDirectory()]
        let folder = try #require(realpath(directories[0].path, nil))
        defer { free(folder) }
        root = String(cString: folder)
        program = FaultyProgram(folder: root, logs: directories[1].path)
        for state in State.allCases {
            try FileManager.default.createDirectory(atPath: "\(root)/\(state)", withIntermediateDirectories: true)
        }
        try FileManager.default.createDirectory(atPath: "\(root)/points", withIntermediateDirectories: true)

        try Self.prepare(
            program, ["simulate", "\(root)/data", "--tomograms", "2", "--size", "64,64,16", "--seed", "1"], in: root)
        let paths = ["\(root)/data/tomo_01.mrc", "\(root)/data/tomo_02.mrc"]
        tomograms = try Dictionary(uniqueKeysWithValues: paths.map { ($0, try Data(contentsOf: URL(fileURLWithPath: $0))) })

        let made = "\(root)/\(State.made)"
        try Self.prepare(program, ["init", made], in: made)
        try Self.prepare(program, ["recipe", "set", "features.mode=structure", "prepare.tiles.size=64"], in: made)
        let added = "\(root)/\(State.added)"
        try Self.copy(made, to: added)
        try Self.prepare(program, ["add"] + paths + ["--dataset", "sim"], in: added)
        try Self.prepare(program, ["slab", "add", "tomo_01", "--z", "6..<8"], in: added)
        let ran = "\(root)/\(State.ran)"
        try Self.copy(added, to: ran)
        try Self.prepare(program, ["run"], in: ran)
        // What `gc` is for: a file of a killed process, a blob without a row, and the folder of an item that nobody goes on with.
        let store = try BlobStore(directory: "\(ran)/.cellar/blobs")
        try store.commit([store.stage(kind: "test") { try $0.write("a", shape: [2], values: [1.0, 2.0]) }])
        try Data("left".utf8).write(to: URL(fileURLWithPath: "\(ran)/.cellar/blobs/staging/left.h5"))
        let work = "\(ran)/.cellar/work/\(String(repeating: "0f", count: 32))"
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        try Data("left".utf8).write(to: URL(fileURLWithPath: "\(work)/slices"))
    }

    private static func prepare(_ program: FaultyProgram, _ arguments: [String], in project: String) throws {
        let end = try program.run(arguments, of: project)
        try #require(end.status == 0, "cellar \(arguments.joined(separator: " ")): \(end.errors)")
    }

    /// Copies a project; models, which are megabytes and never written to, as links.
    private static func copy(_ folder: String, to copy: String) throws {
        let files = FileManager.default
        for case let name as String in files.enumerator(atPath: folder) ?? .init() {
            let (from, to) = ("\(folder)/\(name)", "\(copy)/\(name)")
            var status = stat()
            guard lstat(from, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                try files.createDirectory(atPath: to, withIntermediateDirectories: true)
            } else if !name.contains("/models/") || link(from, to) != 0 {
                try files.copyItem(atPath: from, toPath: to)
            }
        }
    }

    /// A copy of the project from which a command begins.
    func begin(_ command: Command) throws -> String {
        let folder = "\(root)/points/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Self.copy("\(root)/\(command.state)", to: folder)
        return folder
    }

    func end(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }

    func arguments(_ command: Command, in folder: String) -> [String] {
        switch command {
        case .`init`: ["init", folder]
        case .add: ["add"] + tomograms.keys.sorted() + ["--dataset", "sim"]
        case .recipe: ["recipe", "set", "prepare.clahe.clip_limit=3", "mask.offset=2"]
        case .run: ["run"]
        case .gc: ["gc", "--budget", "0", "--apply"]
        case .backup: ["backup", "\(folder)/copy"]
        case .labels: ["export", "labels", "tomo_01", "--force", "--output", "\(folder)/export.mrc"]
        case .points: ["export", "points", "tomo_01", "--force", "--output", "\(folder)/export.csv"]
        }
    }

    private static func export(of command: Command) -> String? {
        switch command {
        case .labels: "export.mrc"
        case .points: "export.csv"
        default: nil
        }
    }

    /// Runs a command that meets no fault, and then `run`.
    func reference(_ command: Command) throws -> Reference {
        let folder = try begin(command)
        defer { end(folder) }
        let end = try program.run(arguments(command, in: folder), of: folder, notes: true)
        try #require(end.status == 0, "\(command): \(end.errors)")
        let recipe = try String(contentsOfFile: "\(folder)/.cellar/recipe.yaml", encoding: .utf8)
        let export = try Self.export(of: command).map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) }
        try Self.prepare(program, ["run"], in: folder)
        return Reference(calls: end.calls, recipe: recipe, results: try results(in: folder), export: export)
    }

    // MARK: What has to hold

    /// What is wrong after a command that met a fault, before anything else is done.
    func harm(in folder: String, after command: Command, ended end: FaultyProgram.End, _ reference: Reference) throws -> [String]
    {
        var harm: [String] = []
        if end.status.map({ (0...3).contains($0) }) != true { harm.append("it ended by a signal, or not at all") }
        if end.status != 0, !end.errors.split(separator: "\n").contains(where: { $0.hasPrefix("cellar: ") }) {
            harm.append("it ended with \(end.status.map(String.init) ?? "a signal") and no sentence")
        }
        for (path, bytes) in tomograms where try Data(contentsOf: URL(fileURLWithPath: path)) != bytes {
            harm.append("\(path) was changed")
        }
        let old = try? String(contentsOfFile: "\(root)/\(command.state)/.cellar/recipe.yaml", encoding: .utf8)
        let now = try? String(contentsOfFile: "\(folder)/.cellar/recipe.yaml", encoding: .utf8)
        if now != reference.recipe, now != old || end.status == 0 { harm.append("the recipe is neither the old nor the new one") }
        if let name = Self.export(of: command) {
            let export = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            if export != reference.export, export != nil || end.status == 0 { harm.append("\(name) is not what it should be") }
        }
        if command == .backup, end.status == 0 || FileManager.default.fileExists(atPath: "\(folder)/copy") {
            harm += try damage(inCatalog: "\(folder)/copy").map { "of the backup: \($0)" }
        }
        if command == .`init`, end.status == 0 {
            for model in try Catalog.open(at: CatalogDirectory(path: "\(folder)/.cellar")).collection.models().values {
                let kind = try #require(ModelKind(rawValue: model.kind))
                if try ModelFiles(model.path, kind: kind).digest() != model.digest {
                    harm.append("\(model.name) is another model")
                }
            }
        }
        return harm
    }

    /// What is wrong once the command was given again, and then `run`, both without a fault.
    func lastingHarm(
        in folder: String, after command: Command, ended end: FaultyProgram.End, _ reference: Reference
    ) throws -> [String] {
        var harm: [String] = []
        let again = try program.run(arguments(command, in: folder), of: folder)
        let isRefused =
            command.isForOnce && FileManager.default.fileExists(atPath: command == .backup ? "\(folder)/copy" : folder)
        if again.status != 0, !(isRefused && again.errors.contains("already")) {
            harm.append("given again, it says \(again.errors)")
        }
        let run = try program.run(["run"], of: folder)
        if run.status != 0 { harm.append("`run` says \(run.errors)") }
        harm += try damage(inCatalog: "\(folder)/.cellar")
        if try results(in: folder) != reference.results { harm.append("the results are not those of a run without faults") }
        if try String(contentsOfFile: "\(folder)/.cellar/recipe.yaml", encoding: .utf8) != reference.recipe {
            harm.append("the recipe is not the new one")
        }
        let workspace = try Catalog.open(at: CatalogDirectory(path: "\(folder)/.cellar"))
        let graph = try StepGraph(StandardSteps.all)
        let recipe = try RecipeFile(path: workspace.directory.recipe).read(for: graph.steps)
        if try Planner(workspace, graph: graph, recipe: recipe).plan().hasWork { harm.append("something is stale after `run`") }
        return harm
    }

    /// What `verify --deep` finds.
    private func damage(inCatalog path: String) throws -> [String] {
        let catalog = try Catalog.open(at: CatalogDirectory(path: path))
        let store = try BlobStore(directory: catalog.directory.blobs)
        return try catalog.integrityProblems()
            + catalog.results.artifacts().filter { $0.state == .present }.compactMap { artifact in
                let condition = store.condition(of: artifact.digest, deep: true)
                return condition == .sound ? nil : "\(artifact.digest.abbreviated) is \(condition)"
            }
    }

    /// Every output of every item, by digest.
    private func results(in folder: String) throws -> [String] {
        var rows: [String] = []
        try QueryConnection(Catalog.open(at: CatalogDirectory(path: "\(folder)/.cellar"))).run(
            "SELECT step, scope, scope_id, name, digest FROM v_output ORDER BY 1, 2, 3, 4"
        ) { row in rows.append(row.map { "\($0)" }.joined(separator: " ")) }
        return rows
    }
}
