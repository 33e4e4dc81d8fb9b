import CatalogMigrations
import CatalogSchema
import Foundation
public import GRDB
import Volumes

/// A catalog: one SQLite database that knows every tomogram, slab, result and number of a collection.
///
/// Many processes may have a catalog open at once: readers are never blocked, writers take turns in short
/// transactions. The database is in WAL mode and every commit is synced to disk before it returns.
///
/// ```swift
/// let catalog = try Catalog.open(at: CatalogDirectory.find(named: nil, from: "."))
/// let names = try catalog.read { try String.fetchAll($0, sql: "SELECT name FROM v_tomogram ORDER BY name") }
/// ```
public final class Catalog: Sendable {
    /// `CELR`: the `application_id` by which file(1) and this class know a catalog.
    public static let applicationID: Int32 = 0x4345_4C52

    public let directory: CatalogDirectory

    /// Whether this build may write: false where the catalog was written by a newer one.
    public var isWritable: Bool { writer != nil }

    private let reader: any DatabaseReader
    private let writer: (any DatabaseWriter)?

    private init(directory: CatalogDirectory, reader: any DatabaseReader, writer: (any DatabaseWriter)?) {
        self.directory = directory
        self.reader = reader
        self.writer = writer
    }

    // MARK: Opening

    /// Makes an empty catalog.
    ///
    /// - Throws: ``CatalogError`` where there is one already, the folder cannot be made, or it lies on a network file
    ///   system.
    public static func create(at directory: CatalogDirectory) throws(CatalogError) -> Catalog {
        guard !directory.exists else {
            throw CatalogError(.alreadyExists, "there is a catalog at \(directory.path) already")
        }
        do {
            for folder in [directory.path, directory.blobs, directory.models, directory.receipts] {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
        } catch {
            throw CatalogError(.storage, "the folder \(directory.path) could not be made: \(error.localizedDescription)")
        }
        return try connect(to: directory)
    }

    /// Opens a catalog, and brings its schema up to date where an older build wrote it. One that a newer build wrote
    /// is opened for reading only.
    ///
    /// - Throws: ``CatalogError`` where there is none, the file is something else, or lies on a network file system.
    public static func open(at directory: CatalogDirectory) throws(CatalogError) -> Catalog {
        guard directory.exists else {
            throw CatalogError(.noCatalog, "there is no catalog at \(directory.path); `cellar init` makes one")
        }
        return try connect(to: directory)
    }

    private static func connect(to directory: CatalogDirectory) throws(CatalogError) -> Catalog {
        if case .network(let type) = try FileSystemKind(ofPath: directory.path) {
            throw CatalogError(
                .unsafeFileSystem,
                "\(directory.path) lies on a network file system (\(type)), where a database gets corrupted; keep the catalog "
                    + "on a local disk, tomograms may stay where they are")
        }
        do {
            if try version(of: directory) > CatalogMigration.latestNumber {
                var configuration = configuration()
                configuration.readonly = true
                let queue = try DatabaseQueue(path: directory.database, configuration: configuration)
                return Catalog(directory: directory, reader: queue, writer: nil)
            }
            let pool = try DatabasePool(path: directory.database, configuration: configuration())
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try migrate(pool)
            return Catalog(directory: directory, reader: pool, writer: pool)
        } catch let error as CatalogError {
            throw error
        } catch let error as DatabaseError {
            throw CatalogError(error, in: directory)
        } catch {
            throw CatalogError(.storage, "the catalog \(directory.path) could not be opened: \(error)")
        }
    }

    private static func configuration() -> Configuration {
        var configuration = Configuration()
        configuration.label = "catalog"
        configuration.busyMode = .timeout(30)
        configuration.maximumReaderCount = 8
        return configuration
    }

    /// The schema version of the file: zero for one that is new and empty.
    private static func version(of directory: CatalogDirectory) throws -> Int {
        guard directory.exists else { return 0 }
        var configuration = configuration()
        configuration.readonly = true
        return try DatabaseQueue(path: directory.database, configuration: configuration).read { db in
            let id = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
            guard id == applicationID || (id == 0 && version == 0 && isEmpty) else {
                throw CatalogError(.notACatalog, "\(directory.database) is a database, but not a Cellar catalog")
            }
            return version
        }
    }

    private static func migrate(_ pool: DatabasePool) throws {
        for migration in CatalogMigration.all {
            // Immediate, so that of two processes that open an old catalog at once the second one sees the new version.
            try pool.writeWithoutTransaction { db in
                try db.inTransaction(.immediate) {
                    guard try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 < migration.number else { return .rollback }
                    try db.execute(sql: migration.sql)
                    try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                    try db.execute(sql: "PRAGMA user_version = \(migration.number)")
                    return .commit
                }
            }
        }
    }

    // MARK: Reading and writing

    /// Reads in one consistent snapshot. Never blocked by writers.
    ///
    /// - Throws: ``CatalogError``, or what the closure throws.
    public func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try Self.translatingErrors(in: directory) { try reader.read(body) }
    }

    /// Writes in one transaction: all of it, or nothing.
    ///
    /// - Throws: ``CatalogError`` where the catalog is read-only or the disk full, or what the closure throws.
    package func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        guard let writer else {
            throw CatalogError(
                .readOnly,
                "the catalog \(directory.path) was written by a newer version of Cellar and can only be read; update this one")
        }
        return try Self.translatingErrors(in: directory) { try writer.write(body) }
    }

    /// Writes a consistent copy of the database to a new file, while others read and write.
    ///
    /// - Throws: ``CatalogError`` where the file exists or cannot be written.
    public func backup(to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CatalogError(.alreadyExists, "\(path) exists already; name a new file for the backup")
        }
        do {
            try read { _ in }
            try reader.backup(to: DatabaseQueue(path: path))
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw CatalogError(.storage, "the backup to \(path) failed: \(error)")
        }
    }

    /// What SQLite's own check of the file and of its foreign keys finds: nothing, if all is well.
    ///
    /// - Complexity: reads the whole database.
    public func integrityProblems() throws -> [String] {
        try read { db in
            let problems = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            let orphans = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map {
                "a row of \($0[0] as String) points to a row of \($0[2] as String) that is not there"
            }
            return problems + orphans
        }
    }

    /// Calls the closure and puts what SQLite says into the catalog's words; other errors pass.
    private static func translatingErrors<Result>(in directory: CatalogDirectory, _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw CatalogError(error, in: directory)
        }
    }
}

extension CatalogError {
    init(_ error: DatabaseError, in directory: CatalogDirectory) {
        let detail = error.message ?? "\(error.resultCode)"
        switch error.resultCode {
        case .SQLITE_NOTADB, .SQLITE_CORRUPT:
            self.init(
                .notACatalog, "\(directory.database) is damaged or no database (\(detail)); restore it from a `cellar backup`")
        case .SQLITE_FULL:
            self.init(.storage, "the disk of \(directory.path) is full; make room and run again, nothing that was done is lost")
        case .SQLITE_BUSY:
            self.init(.locked, "another process kept the catalog \(directory.path) busy for 30 s; try again")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
            self.init(.storage, "\(directory.database) cannot be opened for writing (\(detail)); check its permissions")
        default:
            self.init(.storage, "the catalog \(directory.database) could not be used: \(detail)")
        }
    }
}
