import ArgumentParser
import Basics
import CellarKit

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
