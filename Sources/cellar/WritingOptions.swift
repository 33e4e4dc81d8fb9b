import ArgumentParser
import Basics
import CellarKit
import Foundation

/// Whether a command may write over files that are there.
struct WritingOptions: ParsableArguments {
    @Flag(help: "Replace files that are there, but never those that a catalog knows: tomograms, annotations, models, its own.")
    var force = false

    /// The one file that a command writes; see ``OutputFiles``.
    func file(_ path: String, knownTo directory: CatalogDirectory? = nil) throws -> OutputFile {
        try OutputFiles(at: path, knownTo: directory, areReplaced: force).file(path)
    }
}

/// The files that a command writes. Here alone the program makes them, so that none is written over what a catalog knows.
struct OutputFiles {
    private let protected: ProtectedFiles
    private let areReplaced: Bool

    /// - Parameters:
    ///   - path: of one of the files: the catalog above it is asked what it knows, too.
    ///   - directory: of the catalog that the command works on; nil for the one that is found from the working folder, if any.
    ///   - areReplaced: whether files that are there may be replaced.
    /// - Throws: ``CatalogError`` where a catalog cannot say what it knows.
    init(at path: String, knownTo directory: CatalogDirectory? = nil, areReplaced: Bool) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let found = try directory ?? Self.ifAny { try CatalogOptions.directory(named: nil) }
        let above = try Self.ifAny { try CatalogDirectory.find(named: nil, from: folder) }
        var protected = ProtectedFiles.none
        for directory in Set([found, above].compactMap(\.self)) {
            protected = try Catalog.open(at: directory).collection.protectedFiles(addingTo: protected)
        }
        self.protected = protected
        self.areReplaced = areReplaced
    }

    private static func ifAny(_ find: () throws -> CatalogDirectory) throws -> CatalogDirectory? {
        do {
            return try find()
        } catch let error as CatalogError where error.code == .noCatalog {
            return nil
        }
    }

    /// - Throws: ``VolumeError`` where a catalog knows the file, or it is there and must not be replaced.
    func file(_ path: String) throws -> OutputFile { try OutputFile(path, replacing: areReplaced, protecting: protected) }
}
