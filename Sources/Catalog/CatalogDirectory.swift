public import Basics
import Foundation

/// The folder of a catalog, with the places of the files in it.
///
/// ```
/// .cellar/
/// ├── catalog.sqlite    tomograms, slabs, traces, metrics: everything that can be queried
/// ├── blobs/            artifacts, one HDF5 file each, named by their digest
/// ├── models/           weights that were copied in
/// ├── recipe.yaml       the parameters of every step; recipe.yaml.lock is held by the process that changes it
/// ├── clusters.yaml     how a cluster is used, where there is one; people write it
/// ├── receipts/         one JSON file for each run, for people and for Git
/// ├── work/             what items that take long keep until they are done, one folder for each key
/// ├── descriptors.index  what `similar` reads, a copy that is made anew where it is not there
/// ├── spool/            what workers compute and their results, until these are in the catalog
/// ├── spools            the folders elsewhere that were spools, where there are any
/// ├── coordinator       the job that a run was submitted as, where one was; its logs in coordinator-logs/
/// └── run.lock          held by the process that runs
/// ```
///
/// On a shared file system also `owner.lease`, which says who owns the catalog, and `catalog.snapshot.sqlite`, which all others read.
/// `blobs.json` says where artifacts are that lie elsewhere (``BlobsFolder``).
public struct CatalogDirectory: Hashable, Sendable {
    /// The name of a catalog's folder inside the folder of a project.
    public static let name = ".cellar"

    /// The absolute path of the catalog's own folder.
    public let path: String

    public init(path: String) {
        self.path = URL(fileURLWithPath: path).standardizedFileURL.path
    }

    public var database: String { "\(path)/catalog.sqlite" }
    public var models: String { "\(path)/models" }
    public var recipe: String { "\(path)/recipe.yaml" }
    public var receipts: String { "\(path)/receipts" }
    public var work: String { "\(path)/work" }
    public var spool: String { "\(path)/spool" }
    public var lock: String { "\(path)/run.lock" }
    package var descriptorIndex: String { "\(path)/descriptors.index" }
    var lease: String { "\(path)/owner.lease" }
    var snapshot: String { "\(path)/catalog.snapshot.sqlite" }

    /// A path as the catalog keeps it: relative to the catalog's folder if it lies in it, else as it is.
    func storedPath(of path: String) -> String {
        path.hasPrefix("\(self.path)/") ? String(path.utf8.dropFirst(self.path.utf8.count + 1)) ?? path : path
    }

    /// The absolute path of one that the catalog keeps.
    func absolutePath(ofStored path: String) -> String { path.hasPrefix("/") ? path : "\(self.path)/\(path)" }

    /// Whether there is a catalog here.
    ///
    /// A file that cannot be looked at counts as a catalog: opening it says why, where a search in the folders above would find
    /// the wrong one. A named pipe does not count: SQLite would wait for it for ever.
    public var exists: Bool {
        do throws(SystemError) { return try FileStatus(of: database).isFile } catch {
            return !error.isAbsence && error.number != ENAMETOOLONG
        }
    }

    /// Whether this user may make files in the folder: SQLite needs that to write the database, and to read it while another
    /// process begins to write.
    var isFolderWritable: Bool { access(path, W_OK) == 0 && access(database, W_OK) == 0 }

    /// The file name that SQLite opens for reading.
    ///
    /// Where the folder cannot be written and no log lies beside the database, the file is opened as one that does not change
    /// (`immutable`, https://www.sqlite.org/uri.html): without locks, and without the files that SQLite would make beside it.
    /// With a log, SQLite reads that too.
    var readingPath: String {
        guard !isFolderWritable, !FileManager.default.fileExists(atPath: "\(database)-wal") else { return database }
        return SQLiteFile.uri(database, "immutable=1")
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
