import Basics
import GRDB
import Synchronization

/// The connections to a catalog's database: one that reads, and, from the first write on, those that write.
///
/// All reads and writes of this target go through ``read(_:)`` and ``write(_:)``. Many processes may have a catalog open at once:
/// the database is in WAL mode, where writers never block readers, writers take turns in short transactions, and every commit is
/// synced to disk before it returns.
final class CatalogDatabase: Sendable {
    let directory: CatalogDirectory
    let readOnlyReason: Catalog.ReadOnlyReason?

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

    init(directory: CatalogDirectory, connections: Connections, readOnlyReason: Catalog.ReadOnlyReason?) {
        self.directory = directory
        self.connections = Mutex(connections)
        self.readOnlyReason = readOnlyReason
    }

    // MARK: Reading and writing

    /// Reads in one transaction: the closure sees one state of the database, whatever others write meanwhile.
    ///
    /// - Throws: ``CatalogError``, or what the closure throws.
    func read<Result>(_ body: (Database) throws -> Result) throws -> Result {
        let reader = connections.withLock(\.reader)
        return try translatingErrors { try reader.read(body) }
    }

    /// Writes in one transaction: all of it is committed, or nothing.
    ///
    /// - Throws: ``CatalogError`` where the catalog can only be read or the disk is full, or what the closure throws.
    func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        let pool = try writer()
        return try translatingErrors { try pool.write(body) }
    }

    /// Gives the pages of deleted rows back to the disk where they are more than a quarter of the file.
    ///
    /// - Complexity: writes the whole database anew.
    func vacuum() throws {
        let pool = try writer()
        try translatingErrors {
            let (free, pages) = try pool.read { db in
                (try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0, try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0)
            }
            if free > pages / 4 { try pool.vacuum() }
        }
    }

    /// Writes a consistent copy of the database to a new file.
    func backup(to path: String) throws {
        // Fails in the catalog's words where no connection can be opened.
        try read { _ in }
        try connections.withLock(\.reader).backup(to: DatabaseQueue(path: path))
    }

    /// The connections that write, opened at the first call.
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
            let pool = try translatingErrors { try Self.openPool(in: directory) }
            connections = .writing(pool)
            return pool
        }
    }

    /// Calls the closure and translates SQLite's errors to ``CatalogError``; others pass.
    private func translatingErrors<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw CatalogError(error, in: directory)
        }
    }

    // MARK: Connecting

    /// How long a connection waits while another one keeps the database locked.
    static let busyTimeout = Duration.seconds(30)

    /// Opens a connection that only reads.
    static func openReader(in directory: CatalogDirectory) throws -> DatabaseQueue {
        try DatabaseQueue(path: directory.readingPath, configuration: configuration(isReadOnly: true))
    }

    /// Opens connections that read and write.
    static func openPool(in directory: CatalogDirectory) throws -> DatabasePool {
        let pool = try DatabasePool(path: directory.database, configuration: configuration(isReadOnly: false))
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        return pool
    }

    private static func configuration(isReadOnly: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.label = "catalog"
        configuration.busyMode = .timeout(busyTimeout / .seconds(1))
        configuration.maximumReaderCount = 8
        configuration.readonly = isReadOnly
        return configuration
    }
}
