public import Basics
import Foundation

/// The folder of a catalog, and what lies where in it.
///
/// ```
/// .cellar/
/// ├── catalog.sqlite    tomograms, slabs, traces, metrics: everything that can be queried
/// ├── blobs/            artifacts, one HDF5 file each, named by their digest
/// ├── models/           weights that were copied in
/// ├── recipe.yaml       the parameters of every step; recipe.yaml.lock is held by the process that changes it
/// ├── receipts/         one JSON file for each run, for people and for Git
/// ├── work/             what items that take long keep until they are done, one folder for each key
/// └── run.lock          held by the process that runs
/// ```
public struct CatalogDirectory: Hashable, Sendable {
    /// The name of a catalog's folder inside the folder of a project.
    public static let name = ".cellar"

    /// The absolute path of the catalog's own folder.
    public let path: String

    public init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    public var database: String { "\(path)/catalog.sqlite" }
    public var blobs: String { "\(path)/blobs" }
    public var models: String { "\(path)/models" }
    public var recipe: String { "\(path)/recipe.yaml" }
    public var receipts: String { "\(path)/receipts" }
    public var work: String { "\(path)/work" }
    public var lock: String { "\(path)/run.lock" }

    /// A path as the catalog keeps it: within the catalog's folder relative to it, and else as it is.
    func storedPath(of path: String) -> String {
        path.hasPrefix("\(self.path)/") ? String(path.utf8.dropFirst(self.path.utf8.count + 1)) ?? path : path
    }

    /// The path that is meant by one that the catalog keeps.
    func absolutePath(ofStored path: String) -> String { path.hasPrefix("/") ? path : "\(self.path)/\(path)" }

    /// Whether there is a catalog here. What cannot be looked at is there: opening it says why, where another one above it, or a
    /// new one, would be the wrong one. A named pipe is none: SQLite would wait for it for ever.
    public var exists: Bool {
        var status = stat()
        guard stat(database, &status) == 0 else { return ![ENOENT, ENOTDIR, ENAMETOOLONG].contains(errno) }
        return status.st_mode & S_IFMT == S_IFREG
    }

    /// Finds the catalog that is meant: the folder that was named (the catalog's own, or the project's that holds it),
    /// or the nearest `.cellar` in the working folder and the folders above it, as Git does.
    ///
    /// - Throws: ``CatalogError`` where there is none.
    public static func find(named name: String?, from workingDirectory: String) throws(CatalogError) -> CatalogDirectory {
        if let name {
            let here = URL(fileURLWithPath: name, relativeTo: URL(fileURLWithPath: workingDirectory, isDirectory: true))
            let candidates = [CatalogDirectory(path: here.path), CatalogDirectory(path: here.appending(path: Self.name).path)]
            guard let found = candidates.first(where: \.exists) else {
                throw CatalogError(.noCatalog, "there is no catalog at \(here.path); `cellar init \(name)` makes one")
            }
            return found
        }
        var folder = URL(fileURLWithPath: workingDirectory, isDirectory: true).standardizedFileURL
        while true {
            let candidate = CatalogDirectory(path: folder.appending(path: Self.name).path)
            if candidate.exists { return candidate }
            let parent = folder.deletingLastPathComponent().standardizedFileURL
            guard parent.path != folder.path, folder.path != "/" else {
                throw CatalogError(
                    .noCatalog,
                    "there is no catalog in \(workingDirectory) or above it; `cellar init` makes one here, "
                        + "`--catalog DIR` or CELLAR_CATALOG names another")
            }
            folder = parent
        }
    }
}
