import ArgumentParser
import BlobStore
import CellarKit
import Foundation

/// Which catalog a command works on.
struct CatalogOptions: ParsableArguments {
    @Option(help: "The catalog's folder, or the folder that holds it.")
    var catalog: String?

    func directory() throws -> CatalogDirectory { try Self.directory(named: catalog) }

    /// The catalog that is named, by the option or else by the environment, or the nearest one.
    static func directory(named catalog: String?) throws -> CatalogDirectory {
        let named = catalog ?? ProcessInfo.processInfo.environment["CELLAR_CATALOG"].flatMap { $0.isEmpty ? nil : $0 }
        return try CatalogDirectory.find(named: named, from: FileManager.default.currentDirectoryPath)
    }

    func open() throws -> Workspace { try Workspace(directory: directory()) }
}

/// Which tomograms a command works on.
struct SelectionOptions: ParsableArguments {
    @Option(
        name: .customLong("where"),
        help: ArgumentHelp(
            "Only tomograms for which this is true: an SQL expression over the columns of v_tomogram, such as "
                + "\"dataset = 'pombe' AND voxel_size < 14\".", valueName: "sql"))
    var expression: String?

    /// The ids of the tomograms; nil for all.
    func selection(in catalog: Catalog) throws -> [Int64]? {
        try expression.map { try QueryConnection(catalog).ids(in: "v_tomogram", where: $0) }
    }
}

/// An open catalog with what stands beside it: recipe, steps, blobs.
struct Workspace {
    let catalog: Catalog
    let graph: StepGraph

    init(directory: CatalogDirectory) throws {
        catalog = try Catalog.open(at: directory)
        graph = try StepGraph(StandardSteps.all)
    }

    var directory: CatalogDirectory { catalog.directory }
    var recipeFile: RecipeFile { RecipeFile(path: directory.recipe) }

    func recipe() throws -> Recipe { try recipeFile.read(for: graph.steps) }
    func store() throws -> BlobStore { try BlobStore(directory: directory.blobs) }

    /// The steps up to one, or all.
    func graph(until step: String?) throws -> StepGraph { try step.map { try graph.upTo($0) } ?? graph }
}
