import Basics
public import Catalog
import Foundation
public import Volumes

/// The files that a program writes beside a catalog. They are made here alone, so that none is written over what a catalog knows.
public struct OutputFiles: Sendable {
    let protected: ProtectedFiles
    let areReplaced: Bool

    /// The files that may be written in a folder.
    ///
    /// - Parameters:
    ///   - path: of one of the files: the catalog above it is asked what it knows, too.
    ///   - directory: the catalog that the program works on, if any.
    ///   - areReplaced: whether files that are there may be replaced.
    /// - Throws: `CatalogError` where a catalog cannot say what it knows.
    public init(at path: String, knownTo directory: CatalogDirectory?, areReplaced: Bool) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        let above = try CatalogDirectory.ifAny { try .find(named: nil, from: folder) }
        var protected = ProtectedFiles.none
        for directory in Set([directory, above].compactMap(\.self)) {
            protected = try Catalog.open(at: directory).collection.protectedFiles(addingTo: protected)
        }
        self.protected = protected
        self.areReplaced = areReplaced
    }

    /// A file that is written as a whole.
    ///
    /// - Throws: `VolumeError` where a catalog knows the file, or it is there and must not be replaced.
    public func file(_ path: String) throws -> OutputFile { try OutputFile(path, replacing: areReplaced, protecting: protected) }

    /// A folder that is written as a whole, such as an OME-Zarr image.
    ///
    /// - Throws: `VolumeError` where a catalog knows the folder, or it is there and must not be replaced.
    public func folder(_ path: String) throws -> OutputFolder {
        try OutputFolder(path, replacing: areReplaced, protecting: protected)
    }
}

extension CatalogDirectory {
    /// The catalog that a closure finds; nil where there is none.
    ///
    /// - Throws: what the closure throws, but for `CatalogError` of the code `noCatalog`.
    public static func ifAny(_ find: () throws -> CatalogDirectory) throws -> CatalogDirectory? {
        do {
            return try find()
        } catch let error as CatalogError where error.code == .noCatalog {
            return nil
        }
    }
}
