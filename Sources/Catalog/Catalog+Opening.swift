public import Basics
import CatalogMigrations
import CatalogSchema
import GRDB
import Glibc
import Volumes

/// Making and opening a catalog, and bringing its schema up to date.
///
/// Opening reads the version of the schema and takes no lock. Only a catalog that an older build wrote is opened for writing, to
/// bring its tables and views up to date.
extension Catalog {
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
                try NewFolder.make(folder)
            }
        } catch {
            throw CatalogError(.storage, "\(error)")
        }
        try checkFileSystem(of: directory)
        return try withCatalogErrors(in: directory) { try upToDate(directory) }
    }

    /// Opens a catalog, and brings its schema up to date where an older build wrote it.
    ///
    /// A catalog that a newer build wrote, or whose folder this user may not write, is opened for reading only.
    ///
    /// - Throws: ``CatalogError`` where there is none, the file is something else, lies on a network file system, or has to be
    ///   brought up to date and cannot be.
    public static func open(at directory: CatalogDirectory) throws(CatalogError) -> Catalog {
        guard directory.exists else {
            throw CatalogError(.noCatalog, "there is no catalog at \(directory.path); `cellar init` makes one")
        }
        try checkFileSystem(of: directory)
        return try withCatalogErrors(in: directory) {
            let reader = try CatalogDatabase.openReader(in: directory)
            func reading(_ reason: ReadOnlyReason?) -> Catalog {
                Catalog(database: CatalogDatabase(directory: directory, connections: .reading(reader), readOnlyReason: reason))
            }
            let schema = try reader.read { try Schema($0, in: directory) }
            if schema.version > CatalogMigration.latestNumber { return reading(.newerVersion) }
            if directory.isFolderWritable {
                guard schema.isCurrent else {
                    try reader.close()
                    return try upToDate(directory)
                }
                return reading(nil)
            }
            guard schema.version == CatalogMigration.latestNumber else {
                throw CatalogError(
                    .readOnly,
                    "the catalog \(directory.path) was written by an earlier version of Cellar and cannot be brought up to date: this "
                        + "user may not write that folder; `cellar status` by its owner does it")
            }
            return reading(.folder)
        }
    }

    private static func checkFileSystem(of directory: CatalogDirectory) throws(CatalogError) {
        if case .network(let type) = try FileSystemKind(ofPath: directory.path) {
            throw CatalogError(
                .unsafeFileSystem,
                "\(directory.path) lies on a network file system (\(type)), where a database gets corrupted; keep the catalog "
                    + "on a local disk, tomograms may stay where they are")
        }
    }

    private static func withCatalogErrors(
        in directory: CatalogDirectory, _ body: () throws -> Catalog
    ) throws(CatalogError) -> Catalog {
        let begin = ContinuousClock.now
        while true {
            do {
                return try body()
            } catch let error as CatalogError {
                throw error
            } catch let error as DatabaseError {
                // SQLite does not wait, but fails at once, where two connections change to WAL mode at the same time
                // (https://www.sqlite.org/c3ref/busy_handler.html): opening begins again then.
                guard error.resultCode == .SQLITE_BUSY, ContinuousClock.now - begin < CatalogDatabase.busyTimeout else {
                    throw CatalogError(error, in: directory)
                }
                usleep(20_000)
            } catch {
                throw CatalogError(.storage, "the catalog \(directory.path) could not be opened: \(error)")
            }
        }
    }

    /// The state of a database's schema.
    private struct Schema {
        let version: Int
        /// Whether tables and views are those of this build.
        let isCurrent: Bool

        /// - Throws: ``CatalogError`` where it is the database of another program.
        init(_ db: Database, in directory: CatalogDirectory) throws {
            let id = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            if id != Catalog.applicationID {
                // A process that was killed while it made a catalog leaves an empty database.
                let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
                guard id == 0, version == 0, isEmpty else {
                    throw CatalogError(.notACatalog, "\(directory.database) is a database, but not a Cellar catalog")
                }
            }
            isCurrent = try version == CatalogMigration.latestNumber && Schema.areViewsCurrent(db)
        }

        static func areViewsCurrent(_ db: Database) throws -> Bool {
            try Digest.fetchOne(db, sql: "SELECT digest FROM view_definition") == PublicViews.digest
        }
    }

    /// Opens for writing, and brings tables and views to those of this build.
    private static func upToDate(_ directory: CatalogDirectory) throws -> Catalog {
        let pool = try CatalogDatabase.openPool(in: directory)
        try pool.writeWithoutTransaction { db in
            // A migration drops tables and makes them anew. With foreign keys on, that would delete the rows that refer to them;
            // they are checked before each migration is committed instead.
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            for migration in CatalogMigration.all { try apply(migration, db, in: directory) }
            try makeViews(db)
            try db.execute(sql: "PRAGMA foreign_keys = ON")
        }
        return Catalog(database: CatalogDatabase(directory: directory, connections: .writing(pool), readOnlyReason: nil))
    }

    private static func apply(_ migration: CatalogMigration, _ db: Database, in directory: CatalogDirectory) throws {
        // An immediate transaction: of two processes that open an old catalog at once, the second one sees the new version.
        try db.inTransaction(.immediate) {
            guard try Schema(db, in: directory).version < migration.number else { return .rollback }
            try db.execute(sql: migration.sql)
            try db.execute(sql: "PRAGMA application_id = \(applicationID)")
            try db.execute(sql: "PRAGMA user_version = \(migration.number)")
            if let orphan = try orphans(db).first {
                throw CatalogError(
                    .storage,
                    "the catalog \(directory.path) cannot be brought up to version \(migration.number): \(orphan); it stays as it is, "
                        + "restore it from a `cellar backup`")
            }
            return .commit
        }
    }

    private static func makeViews(_ db: Database) throws {
        try db.inTransaction(.immediate) {
            guard try !Schema.areViewsCurrent(db) else { return .rollback }
            for name in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'view'") {
                try db.execute(sql: "DROP VIEW \"\(name)\"")
            }
            try db.execute(sql: PublicViews.sql)
            try db.execute(
                sql: "INSERT INTO view_definition (id, digest) VALUES (1, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest",
                arguments: [PublicViews.digest])
            return .commit
        }
    }
}
