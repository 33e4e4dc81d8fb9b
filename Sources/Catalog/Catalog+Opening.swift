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
    /// - Parameters:
    ///   - blobs: a new or empty folder for the artifacts; nil for one in the catalog's folder.
    ///   - notice: called with a sentence where something takes long.
    /// - Throws: ``CatalogError`` where there is one already, or a folder cannot be made.
    public static func create(
        at directory: CatalogDirectory, blobs: String? = nil, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(CatalogError) -> Catalog {
        guard !directory.exists else {
            throw CatalogError(
                .alreadyExists, "there is a catalog at \(directory.path) already; use it, or give `cellar init` another folder")
        }
        // Before the catalog's own folder: of one that cannot be made, nothing is left.
        let elsewhere = try blobs.map { path throws(CatalogError) in try BlobsFolder.make(at: path, for: directory) }
        do {
            for folder in [directory.path, directory.models, directory.receipts] { try NewFolder.make(folder) }
            if let elsewhere { try elsewhere.record(in: directory) } else { try NewFolder.make(directory.blobs) }
        } catch {
            if let blobs { BlobsFolder.unmake(at: blobs) }
            throw CatalogError(.storage, "\(error)")
        }
        return try withCatalogErrors(in: directory) {
            guard let fileSystem = sharedFileSystem(of: directory) else { return try upToDate(directory) }
            return try upToDate(.of(directory, fileSystem, notice: notice))
        }
    }

    /// Opens a catalog, and brings its schema up to date where an older build wrote it.
    ///
    /// A catalog that a newer build wrote, or whose folder this user may not write, is opened for reading only. One on a shared file system
    /// is read from its snapshot; where that may be old, because its last owner was killed, it is brought back first.
    ///
    /// - Parameter notice: called with a sentence where something takes long.
    /// - Throws: ``CatalogError`` where there is none, the file is something else, or has to be brought up to date and cannot be.
    public static func open(
        at directory: CatalogDirectory, notice: @escaping @Sendable (String) -> Void = { _ in }
    ) throws(CatalogError) -> Catalog {
        guard directory.exists else {
            throw CatalogError(.noCatalog, "there is no catalog at \(directory.path); `cellar init` makes one")
        }
        return try withCatalogErrors(in: directory) {
            if let fileSystem = sharedFileSystem(of: directory) { return try open(.of(directory, fileSystem, notice: notice)) }
            let reader = try CatalogDatabase.openReader(at: directory.readingPath)
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
            guard schema.version == CatalogMigration.latestNumber else { throw cannotBeBroughtUpToDate(directory) }
            return reading(.folder)
        }
    }

    private static func cannotBeBroughtUpToDate(_ directory: CatalogDirectory) -> CatalogError {
        CatalogError(
            .readOnly,
            "the catalog \(directory.path) was written by an earlier version of Cellar and cannot be brought up to date: this "
                + "user may not write that folder; `cellar status` by its owner does it")
    }

    /// The file system of a catalog that hosts share, or that another host owns through a network just now; nil for a local one.
    private static func sharedFileSystem(of directory: CatalogDirectory) -> FileSystemKind? {
        let kind = FileSystemKind(ofPath: directory.path)
        return kind.isShared || access(directory.lease, F_OK) == 0 ? kind : nil
    }

    /// Opens a catalog on a shared file system.
    static func open(_ database: SharedDatabase) throws -> Catalog {
        let directory = database.directory
        func catalog(_ reason: ReadOnlyReason?) -> Catalog {
            Catalog(database: CatalogDatabase(directory: directory, connections: .shared(database), readOnlyReason: reason))
        }
        let isWritable = directory.isFolderWritable
        if isWritable, !database.isOwner, database.needsCare {
            do { return try upToDate(database) } catch let error as CatalogError where error.code == .locked {
                // Somebody else is doing it. Their snapshot will do, if there is one.
                guard SnapshotFile(directory).current() != nil else { throw error }
            }
        }
        let schema = try database.read { try Schema($0, in: directory) }
        if schema.version > CatalogMigration.latestNumber { return catalog(.newerVersion) }
        guard isWritable else {
            guard schema.version == CatalogMigration.latestNumber else { throw cannotBeBroughtUpToDate(directory) }
            return catalog(.folder)
        }
        return schema.isCurrent ? catalog(nil) : try upToDate(database)
    }

    /// Owns a catalog on a shared file system, and brings tables and views to those of this build.
    private static func upToDate(_ database: SharedDatabase) throws -> Catalog {
        let directory = database.directory
        try database.owning { owner in
            let version = try owner.queue.read { try Schema($0, in: directory).version }
            guard version <= CatalogMigration.latestNumber else { return }
            try owner.lease.confirm()
            try bringUpToDate(owner.queue, in: directory)
        }
        let version = try database.read { try Schema($0, in: directory).version }
        return Catalog(
            database: CatalogDatabase(
                directory: directory, connections: .shared(database),
                readOnlyReason: version > CatalogMigration.latestNumber ? .newerVersion : nil))
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
                throw CatalogError(
                    .storage, "the catalog \(directory.path) could not be opened: \(error); check disk and permissions")
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
                    throw CatalogError(
                        .notACatalog, "\(directory.database) is a database, but not a Cellar catalog; name another with --catalog"
                    )
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
        try bringUpToDate(pool, in: directory)
        return Catalog(database: CatalogDatabase(directory: directory, connections: .writing(pool), readOnlyReason: nil))
    }

    private static func bringUpToDate(_ writer: any DatabaseWriter, in directory: CatalogDirectory) throws {
        try writer.writeWithoutTransaction { db in
            // A migration drops tables and makes them anew. With foreign keys on, that would delete the rows that refer to them;
            // they are checked before each migration is committed instead.
            try db.execute(sql: "PRAGMA foreign_keys = OFF")
            for migration in CatalogMigration.all { try apply(migration, db, in: directory) }
            try makeViews(db)
            try db.execute(sql: "PRAGMA foreign_keys = ON")
        }
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
