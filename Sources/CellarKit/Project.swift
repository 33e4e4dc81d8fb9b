import Basics
public import BlobStore
import BuiltinModels
public import Catalog
public import Engine
import Foundation
public import Pipeline

/// A catalog with all that belongs to it: its recipe, the steps of the method, and the store of results.
///
/// Every front end works on a project, and so does a Swift program:
///
/// ```swift
/// import CellarKit
///
/// let project = try Project(at: CatalogDirectory(path: "data/.cellar"))
/// for step in try project.plan().summaries { print(step.step, step.stale) }
/// _ = try project.run { progress in print(progress.finished, "of", progress.total) }
/// try project.query("SELECT name, density_mean FROM v_tomogram") { row in print(row) }
/// ```
///
/// It holds no state but the open database: several may stand on one catalog, in one process or in several.
public struct Project: Sendable {
    /// The open database: what people brought, what runs gave, and the runs.
    public let catalog: Catalog
    /// The steps, in the order of their dependencies.
    public let graph: StepGraph

    /// Opens a catalog.
    ///
    /// - Parameters:
    ///   - steps: what a run computes: the steps of the method, or others.
    ///   - notice: called with a sentence where something takes long.
    /// - Throws: `CatalogError` where there is none, or it cannot be read; `EngineError` where steps do not fit together.
    public init(
        at directory: CatalogDirectory, steps: [any Step] = StandardSteps.all,
        notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        try self.init(Catalog.open(at: directory, notice: notice), steps: steps)
    }

    private init(_ catalog: Catalog, steps: [any Step]) throws {
        self.catalog = catalog
        graph = try StepGraph(steps)
    }

    /// Makes an empty catalog with the built-in models and a recipe of the preset `default`.
    ///
    /// - Parameter blobs: a new or empty folder for the artifacts, on fast scratch for example; nil for one in the catalog's folder.
    /// - Throws: `CatalogError` where there is one already, or it cannot be written. Then nothing is left of what was begun.
    public static func create(at directory: CatalogDirectory, blobs: String? = nil) throws -> Project {
        // Who made the folder removes it where something fails, so that it can be tried again.
        let isNew = access(directory.path, F_OK) != 0 && errno == ENOENT
        do {
            let project = try Project(Catalog.create(at: directory, blobs: blobs), steps: StandardSteps.all)
            try project.installBuiltinModels()
            var recipe = Recipe(steps: project.graph.steps)
            try recipe.set("features.model", to: BuiltinModel.diffusion.name)
            for key in ["model-labels.model", "segment.model", "pick.model", "train-membrane.initial"] {
                try recipe.set(key, to: BuiltinModel.structures.name)
            }
            for (key, value) in RecipePreset.standard.assignments(for: recipe) { try recipe.set(key, to: value) }
            try project.recipeFile.write(recipe, for: project.graph.steps)
            return project
        } catch {
            if isNew {
                if let blobs, directory.blobs == URL(fileURLWithPath: blobs).standardizedFileURL.path {
                    BlobsFolder.unmake(at: blobs)
                }
                try? FileManager.default.removeItem(atPath: directory.path)
            }
            throw error
        }
    }

    /// The folder of the catalog.
    public var directory: CatalogDirectory { catalog.directory }
    /// The file of the recipe, which is read whenever it is needed.
    public var recipeFile: RecipeFile { RecipeFile(path: directory.recipe) }

    /// The parameters as the recipe's file says them.
    ///
    /// - Throws: `EngineError` where it is not understood.
    public func recipe() throws -> Recipe { try recipeFile.read(for: graph.steps) }

    /// The files of results.
    ///
    /// - Throws: `CatalogError` where the folder lies elsewhere and is gone, or is that of another catalog; `BlobError` where it cannot
    ///   be used.
    public func store() throws -> BlobStore { try BlobStore(directory: directory.checkedBlobs()) }

    /// The results that stand, read by the declarations of steps.
    public func results() throws -> StandingResults { StandingResults(catalog, store: try store()) }

    // MARK: Plan, run, why

    /// The states of all items, and what a run would do.
    ///
    /// - Parameters:
    ///   - tomograms: ids of the tomograms to look at; nil for all.
    ///   - last: only this step and those that it needs; nil for all.
    /// - Throws: `EngineError` where the recipe or the step is not understood, `CatalogError` where the catalog cannot be read.
    /// - Complexity: reads the catalog once; opens no tomogram and writes nothing.
    public func plan(tomograms: [Int64]? = nil, until last: String? = nil) throws -> Plan {
        try planner(until: last).plan(selection: tomograms)
    }

    func planner(until last: String? = nil) throws -> Planner {
        try Planner(catalog, graph: steps(until: last), recipe: recipe())
    }

    /// The steps up to one, or all.
    ///
    /// - Throws: `EngineError` where there is no step of that name.
    public func steps(until last: String?) throws -> StepGraph {
        try graph.adapted(to: recipe(), until: last)
    }

    /// Computes what is stale; see `Runner/run(selection:cancellation:progress:)`.
    ///
    /// - Returns: the outcome; nil where nothing was stale.
    public func run(
        tomograms: [Int64]? = nil, until last: String? = nil, options: Runner.Options = Runner.Options(),
        cancellation: Cancellation = Cancellation(), progress: (RunProgress) -> Void = { _ in }
    ) throws -> RunReport? {
        try Runner(catalog, store: store(), graph: steps(until: last), recipe: recipe(), options: options)
            .run(selection: tomograms, cancellation: cancellation, progress: progress)
    }

    /// Why items of a tomogram are in the state that they are in, with the old and the new value of the first cause.
    ///
    /// - Parameters:
    ///   - tomogram: its name, `dataset/name`, or `id:N`.
    ///   - step: only this step and those that it needs; nil for all.
    /// - Throws: `CatalogError` where there is no such tomogram, `EngineError` where there is no such step.
    public func why(_ tomogram: String, step: String? = nil) throws -> Explanation {
        try why(tomogramID: catalog.collection.tomogram(named: tomogram).requiredID, step: step)
    }

    func why(tomogramID: Int64, step: String?) throws -> Explanation {
        try Explainer(catalog, graph: graph, recipe: recipe()).explain(tomogramID: tomogramID, step: step)
    }

    // MARK: Ask

    /// The ids of the rows of a view for which an expression is true; nil where there is no expression: for all.
    ///
    /// - Parameters:
    ///   - expression: SQL, as it may follow WHERE.
    ///   - view: a public view that has a column `id` (Schema/views.md).
    /// - Throws: `CatalogError` where the expression is wrong or takes too long.
    public func select(where expression: String?, in view: String = "v_tomogram") throws -> [Int64]? {
        try expression.map { try QueryConnection(catalog).ids(in: view, where: $0) }
    }

    /// Runs one SELECT over the public views (Schema/views.md), and calls a closure with each row as it is found.
    ///
    /// - Throws: `CatalogError` where the SQL is wrong, does anything but read, or takes longer than a minute.
    public func query(
        _ sql: String, parameters: [String: QueryValue] = [:], row: ([QueryValue]) throws -> Void
    ) throws {
        try QueryConnection(catalog).run(sql, parameters: parameters, row: row)
    }

    // MARK: Models

    /// Writes the small models that come with the program into the catalog's folder, and adds them, or what is new in them.
    ///
    /// - Returns: their records, and whether each has other weights than it had.
    @discardableResult
    public func installBuiltinModels() throws -> [(record: ModelRecord, isNew: Bool)] {
        try BuiltinModel.all.compactMap { model in
            guard let kind = ModelKind(rawValue: model.kind) else { return nil }
            let files = try ModelFiles(model.write(into: directory.models), kind: kind)
            let digest = try files.digest()
            let (record, earlier) = try catalog.collection.setModel(
                name: model.name, kind: model.kind, path: files.path, digest: digest, licence: model.licence,
                provenance: model.provenance)
            return (record, earlier != digest)
        }
    }
}

extension TomogramRecord {
    /// The id of a record that was read from the catalog.
    ///
    /// - Throws: `CatalogError` where it was never written.
    public var requiredID: Int64 {
        get throws {
            guard let id else {
                throw CatalogError(.notFound, "there is no tomogram \(name); `cellar list tomograms` shows what there is")
            }
            return id
        }
    }
}
