public import Basics
import GRDBSQLite

/// Tells whether anything was committed to a catalog since it was last asked: by this process, or by another one.
///
/// It has a connection of its own, which only reads. SQLite counts the commits of other connections that one connection has seen
/// (`PRAGMA data_version`); nothing is read but the first page of the log. One thread at a time may use it. Where the catalog
/// was opened as a file that does not change (its folder cannot be written), the number never changes. On a shared file system it is
/// another one with each snapshot.
///
/// - SeeAlso: https://www.sqlite.org/pragma.html#pragma_data_version
public final class CatalogWatch {
    private var connection: OpaquePointer?
    private var statement: OpaquePointer?
    /// The snapshot that was seen last, and how many there were; nil on a local file system.
    private var snapshot: (file: SnapshotFile, last: SnapshotFile.Identity?, count: Int64)?

    /// - Throws: ``CatalogError`` where the catalog cannot be opened.
    public init(_ catalog: Catalog) throws(CatalogError) {
        guard catalog.database.shared == nil else {
            snapshot = (SnapshotFile(catalog.directory), nil, 0)
            return
        }
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
        guard sqlite3_open_v2(catalog.directory.readingPath, &connection, flags, nil) == SQLITE_OK,
            sqlite3_prepare_v2(connection, "PRAGMA data_version", -1, &statement, nil) == SQLITE_OK
        else {
            let message = connection.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_finalize(statement)
            sqlite3_close_v2(connection)
            throw CatalogError(
                .storage, "\(catalog.directory.database) cannot be opened for reading: \(message); check disk and permissions")
        }
        sqlite3_busy_timeout(connection, 10_000)
    }

    deinit {
        sqlite3_finalize(statement)
        sqlite3_close_v2(connection)
    }

    /// A number that is another one after each commit. It means something only beside other numbers of the same object.
    ///
    /// - Throws: ``CatalogError`` where the file cannot be read.
    /// - Complexity: some microseconds.
    public func version() throws(CatalogError) -> Int64 {
        if let (file, last, count) = snapshot {
            let identity = file.current()?.identity
            snapshot = (file, identity, identity == last ? count : count + 1)
            return identity == last ? count : count + 1
        }
        defer { sqlite3_reset(statement) }
        guard sqlite3_step(statement) == SQLITE_ROW else {
            let message = connection.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            throw CatalogError(.storage, "the catalog could not be read: \(message); `cellar verify` checks the database")
        }
        return sqlite3_column_int64(statement, 0)
    }
}
