import ArgumentParser
import Basics
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

    func open() throws -> Project {
        let project = try Project(at: directory()) { note("cellar: \($0)") }
        if let sentence = project.catalog.snapshotNote { note("cellar: \(sentence)") }
        return project
    }
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

/// Whether a command may write over files that are there.
struct WritingOptions: ParsableArguments {
    @Flag(help: "Replace files that are there, but never those that a catalog knows: tomograms, annotations, models, its own.")
    var force = false

    /// The one file that a command writes; see ``OutputFiles``.
    func file(_ path: String, knownTo directory: CatalogDirectory? = nil) throws -> OutputFile {
        try files(at: path, knownTo: directory).file(path)
    }

    /// The files that a command writes, one of which is at a path.
    ///
    /// - Parameter directory: of the catalog that the command works on; nil for the one that is found from the working folder, if any.
    func files(at path: String, knownTo directory: CatalogDirectory? = nil) throws -> OutputFiles {
        try Self.files(at: path, knownTo: directory, areReplaced: force)
    }

    static func files(at path: String, knownTo directory: CatalogDirectory? = nil, areReplaced: Bool) throws -> OutputFiles {
        let current = try directory ?? CatalogDirectory.ifAny { try CatalogOptions.directory(named: nil) }
        return try OutputFiles(at: path, knownTo: current, areReplaced: areReplaced)
    }
}

/// How rows are printed.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case table
    case csv
    case json
    /// One JSON object on each line.
    case ndjson
}

struct FormatOptions: ParsableArguments {
    @Option(help: "How rows are printed: table, csv, json, or ndjson (one JSON object on each line).")
    var format = OutputFormat.table
}
