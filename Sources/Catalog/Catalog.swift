import Basics
public import CatalogSchema
import Foundation
package import GRDB
import GRDBSQLite

/// A catalog: one SQLite database of every tomogram, slab, result and number of a collection.
///
/// This type makes, opens, checks and copies the database. What is in it is read and written by three structs, each of named
/// operations: ``collection``, ``results`` and ``runs``; SQL that people write runs on a ``QueryConnection``.
///
/// Many processes may have a catalog open at once. It is opened for reading; the first operation that writes opens it for
/// writing. So a program that only reads needs no right to write, and waits for nobody. A `Catalog` is a reference to the open
/// database: copies share its connections, and all may be used from any thread.
///
/// ```swift
/// let catalog = try Catalog.open(at: CatalogDirectory.find(named: nil, from: "."))
/// let tomogram = try catalog.collection.tomogram(named: "cells/first")
/// ```
public struct Catalog: Sendable {
    /// `CELR`: the `application_id` by which file(1) and ``open(at:)`` know a catalog.
    public static let applicationID: Int32 = 0x4345_4C52

    let database: CatalogDatabase

    public var directory: CatalogDirectory { database.directory }

    /// Why nothing can be written here; nil where it can.
    public var readOnlyReason: ReadOnlyReason? { database.readOnlyReason }

    public var isWritable: Bool { readOnlyReason == nil }

    /// Why a catalog can only be read.
    public enum ReadOnlyReason: Sendable, Hashable {
        /// A newer version of Cellar wrote it, with tables that this one does not know.
        case newerVersion
        /// The user may not write its folder, or the disk is mounted read-only.
        case folder
    }

    /// One sentence on how old what is read here is, and who owns the catalog: where it lies on a shared file system, and another process
    /// writes. Nil where what is read is what is committed.
    public var snapshotNote: String? { database.shared?.note }

    /// The file name that SQLite opens for a connection that only reads.
    ///
    /// - Throws: ``CatalogError`` where what this process has written cannot be made readable.
    func readingPath() throws(CatalogError) -> String {
        do { return try database.readingPath() } catch let error as CatalogError { throw error } catch {
            throw CatalogError(.storage, "the catalog \(directory.path) cannot be read: \(error); check disk and permissions")
        }
    }

    // MARK: What is in it

    /// What people brought: datasets, tomograms, voxel sizes, slabs, annotations, training sets and models.
    public var collection: Collection { Collection(database: database) }

    /// What runs gave: traces, artifacts, values, objects and curves, and which of them stand.
    public var results: Results { Results(database: database) }

    /// The runs: which began and ended, on which recipe, and which one goes on.
    public var runs: RunLog { RunLog(database: database) }

    /// The size of a catalog in numbers, with its last run.
    public struct Summary: Sendable {
        public var datasets: Int
        public var tomograms: Int
        public var slabs: Int
        public var annotations: Int
        /// The name of the current training set; nil where there is none.
        public var trainingSet: String?
        public var artifacts: Int
        public var artifactBytes: Int
        public var lastRun: RunRecord?
        /// The process that runs, or was killed while it ran.
        public var lockOwner: RunLockRecord?
    }

    /// Counts what is in the catalog.
    public func summary() throws -> Summary {
        try database.read { db in
            func count(_ table: String) throws -> Int { try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? 0 }
            let artifacts = try Row.fetchOne(
                db, sql: "SELECT count(*), ifnull(sum(bytes), 0) FROM artifact WHERE state = 'present'")
            return Summary(
                datasets: try count("dataset"), tomograms: try count("tomogram"), slabs: try count("slab"),
                annotations: try count("annotation"),
                trainingSet: try String.fetchOne(db, sql: "SELECT name FROM training_set WHERE is_current = 1"),
                artifacts: artifacts?[0] ?? 0, artifactBytes: artifacts?[1] ?? 0,
                lastRun: try RunRecord.fetchOne(db, sql: "SELECT * FROM run ORDER BY id DESC LIMIT 1"),
                lockOwner: try RunLockRecord.fetchOne(db))
        }
    }

    // MARK: The database as a whole

    /// The version of the database's schema.
    public func schemaVersion() throws -> Int { try database.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 } }

    /// The version of the SQLite library.
    public static var sqliteVersion: String { String(cString: sqlite3_libversion()) }

    /// Writes a consistent copy of the database to a new file, while others read and write.
    ///
    /// - Throws: ``CatalogError`` where the file exists or cannot be written.
    public func backup(to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw CatalogError(.alreadyExists, "\(path) exists already; name a new file for the backup")
        }
        do {
            try database.backup(to: path)
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw CatalogError(.storage, "the backup to \(path) failed: \(error); look at its disk, and try again")
        }
    }

    /// The problems that SQLite's check of the file and of its foreign keys finds; none where all is well.
    ///
    /// - Complexity: reads the whole database.
    public func integrityProblems() throws -> [String] {
        try database.read { db in
            let problems = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            return try problems + Self.orphans(db)
        }
    }

    /// Rows that refer to rows that are not there.
    static func orphans(_ db: Database) throws -> [String] {
        try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map {
            "a row of \($0[0] as String) points to a row of \($0[2] as String) that is not there"
        }
    }

    /// Reads the database by SQL of one's own. For tests only: the program reads by named operations.
    package func unsafeRead<Result>(_ body: (Database) throws -> Result) throws -> Result { try database.read(body) }
}
