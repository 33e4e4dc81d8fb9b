import Basics
import GRDB
import Synchronization

/// The connections to a catalog's database: one that reads, and, from the first write on, those that write.
///
/// All reads and writes of this target go through ``read(_:)`` and ``write(_:)``. Many processes may have a catalog open at once:
/// the database is in WAL mode, where writers never block readers, writers take turns in short transactions, and every commit is
/// synced to disk before it returns. On a shared file system, ``SharedDatabase`` does all that in another way.
final class CatalogDatabase: Sendable {
    let directory: CatalogDirectory
    let readOnlyReason: Catalog.ReadOnlyReason?

    private let connections: Mutex<Connections>

    enum Connections: Sendable {
        case reading(any DatabaseReader)
        case writing(DatabasePool)
        case shared(SharedDatabase)
    }

    /// The database as this process uses it on a shared file system; nil on a local one.
    var shared: SharedDatabase? {
        connections.withLock { connections in
            guard case .shared(let database) = connections else { return nil }
            return database
        }
    }

    /// The connection that reads; nil on a shared file system.
    private var localReader: (any DatabaseReader)? {
        connections.withLock { connections in
            switch connections {
            case .reading(let reader): reader
            case .writing(let pool): pool
            case .shared: nil
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
        try translatingErrors {
            if let reader = localReader { return try reader.read(body) }
            guard let shared else { throw CatalogError(mistake: .storage, "the catalog \(directory.path) has no connection") }
            return try shared.read(body)
        }
    }

    /// Writes in one transaction: all of it is committed, or nothing.
    ///
    /// - Throws: ``CatalogError`` where the catalog can only be read or the disk is full, or what the closure throws.
    func write<Result>(_ body: (Database) throws -> Result) throws -> Result {
        try checkWritable()
        if let shared { return try translatingErrors { try shared.write(body) } }
        let pool = try writer()
        return try translatingErrors { try pool.write(body) }
    }

    /// Gives the pages of deleted rows back to the disk where they are more than a quarter of the file.
    ///
    /// - Complexity: writes the whole database anew.
    func vacuum() throws {
        try checkWritable()
        func vacuum(_ writer: any DatabaseWriter) throws {
            let (free, pages) = try writer.read { db in
                (try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0, try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0)
            }
            if free > pages / 4 { try writer.vacuum() }
        }
        try translatingErrors {
            guard let shared else { return try vacuum(try writer()) }
            try shared.owning { owner in
                try owner.lease.confirm()
                try vacuum(owner.queue)
            }
        }
    }

    /// Writes a consistent copy of the database to a new file.
    func backup(to path: String) throws {
        // Fails in the catalog's words where no connection can be opened.
        try read { _ in }
        let copy = try DatabaseQueue(path: path)
        if let reader = localReader { return try reader.backup(to: copy) }
        try shared?.backup(to: copy)
    }

    /// The name by which SQLite opens the database for a connection that only reads.
    func readingPath() throws -> String { try shared?.readingPath() ?? directory.readingPath }

    /// Owns the catalog for a run; nil on a local file system, where nobody has to.
    func hold() throws -> SharedDatabase.Hold? {
        guard let shared else { return nil }
        try checkWritable()
        return try translatingErrors { try shared.hold() }
    }

    private func checkWritable() throws(CatalogError) {
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
    }

    /// The connections that write, opened at the first call.
    private func writer() throws -> DatabasePool {
        try connections.withLock { connections in
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
    static func openReader(at path: String) throws -> DatabaseQueue {
        try DatabaseQueue(path: path, configuration: configuration(isReadOnly: true))
    }

    /// Opens connections that read and write.
    static func openPool(in directory: CatalogDirectory) throws -> DatabasePool {
        let pool = try DatabasePool(path: directory.database, configuration: configuration(isReadOnly: false))
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        // Of a catalog that came from a shared file system: it will not be what is committed here.
        SnapshotFile(directory).remove()
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
