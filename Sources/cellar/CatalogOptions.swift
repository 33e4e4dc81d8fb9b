import ArgumentParser
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

    func open() throws -> Project { try Project(at: directory()) }
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
    func tomograms(of project: Project) throws -> [Int64]? { try project.select(where: expression) }
}

typealias Workspace = Project
extension SelectionOptions {
    func selection(in catalog: Catalog) throws -> [Int64]? { try expression.map { try QueryConnection(catalog).ids(in: "v_tomogram", where: $0) } }
}
