internal import Basics
import CatalogMigrations
import CatalogSchema
import Foundation
public import GRDB
import Synchronization
import Volumes

/// A catalog: one SQLite database that knows every tomogram, slab, result and number of a collection.
///
/// Many processes may have a catalog open at once: readers are never blocked, writers take turns in short
/// transactions. The database is in WAL mode and every commit is synced to disk before it returns.
///
/// It is opened for reading. What writes opens it for writing first, once, so that who only reads needs no right to write
/// and waits for nobody (`Catalog+Opening.swift`).
///
/// ```swift
/// let catalog = try Catalog.open(at: CatalogDirectory.find(named: nil, from: "."))
/// let names = try catalog.read { try String.fetchAll($0, sql: "SELECT name FROM v_tomogram ORDER BY name") }
/// ```
public final class Catalog: Sendable {
    /// `CELR`: the `application_id` by which file(1) and this class know a catalog.
    public static let applicationID: Int32 = 0x4345_4C52

    public let directory: CatalogDirectory

    /// Why nothing can be written here; nil where it can.
    public let readOnlyReason: ReadOnlyReason?

    public var isWritable: Bool { readOnlyReason == nil }

    /// Why a catalog can only be read.
    public enum ReadOnlyReason: Sendable, Hashable {
        /// A newer version of Cellar wrote it, which knows tables that this one does not.
        case newerVersion
        /// The user may not write its folder, or the disk is mounted read-only.
        case folder
    }

    /// The connections: one for reading, until something is written.
    private let connections: Mutex<Connections>

    enum Connections: Sendable {
        case reading(any DatabaseReader)
        case writing(DatabasePool)

        var reader: any DatabaseReader {
            switch self {
            case .reading(let reader): reader
            case .writing(let pool): pool
            }
        }
    }

    init(directory: CatalogDirectory, connections: Connections, readOnlyReason: ReadOnlyReason?) {
        self.directory = directory
        self.connections = Mutex(connections)
        self.readOnlyReason = readOnlyReason
    }

    // MARK: Reading and writing

    /// Reads in one consistent snapshot. Never blocked by writers.
    ///
    /// - Throws: ``CatalogError``, or what the closure throws.
    public func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        let reader = connections.withLock(\.reader)
        return try Self.translatingErrors(in: directory) { try reader.read(body) }
    }

    /// Writes in one transaction: all of it, or nothing.
    ///
    /// - Throws: ``CatalogError`` where the catalog can only be read or the disk is full, or what the closure throws.
    package func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        let pool = try writer()
        return try Self.translatingErrors(in: directory) { try pool.write(body) }
    }

    /// Gives the room of dropped rows back to the disk, where there is much of it.
    ///
    /// - Complexity: writes the whole database anew.
    package func vacuum() throws {
        let pool = try writer()
        try Self.translatingErrors(in: directory) {
            let (free, pages) = try pool.read { db in
                (try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0, try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0)
            }
            if free > pages / 4 { try pool.vacuum() }
        }
    }

    /// The pool that writes, opened at the first call.
    private func writer() throws -> DatabasePool {
        switch readOnlyReason {
        case .newerVersion:
            throw CatalogError(
                .readOnly,
                "the catalog \(directory.path) was written by a newer version of Cellar and can only be read; update this one")
        case .folder:
            throw CatalogError(
                .readOnly,
                "the catalog \(directory.path) can only be read: this user may not write that folder, or its disk is mounted "
                    + "read-only; ask its owner, or copy it with `cellar backup`")
        case nil: break
        }
        return try connections.withLock { connections in
            if case .writing(let pool) = connections { return pool }
            let pool = try Self.translatingErrors(in: directory) { try Self.pool(for: directory) }
            connections = .writing(pool)
            return pool
        }
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
            try connections.withLock(\.reader).backup(to: DatabaseQueue(path: path))
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
            return try problems + Self.orphans(db)
        }
    }

    /// Rows that refer to rows that are not there.
    static func orphans(_ db: Database) throws -> [String] {
        try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map {
            "a row of \($0[0] as String) points to a row of \($0[2] as String) that is not there"
        }
    }

    /// Calls the closure and puts what SQLite says into the catalog's words; other errors pass.
    static func translatingErrors<Result>(in directory: CatalogDirectory, _ body: () throws -> Result) throws -> Result {
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
        case .SQLITE_CANTOPEN where FileManager.default.fileExists(atPath: directory.database):
            self.init(
                .storage,
                "\(directory.database) cannot be opened (\(detail)); check its permissions and those of its folder, and that of "
                    + "catalog.sqlite-wal beside it, which holds what was written last")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
            self.init(.storage, "\(directory.database) cannot be opened for writing (\(detail)); check its permissions")
        default:
            self.init(.storage, "the catalog \(directory.database) could not be used: \(detail)")
        }
    }
}
