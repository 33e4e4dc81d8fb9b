public import Basics
import Foundation
import GRDB

/// The kinds of ``CatalogError``.
public enum CatalogErrorCode: String, ErrorCode {
    /// There is no catalog here.
    case noCatalog
    /// There is already something under this name or at this place.
    case alreadyExists
    /// The file is not a catalog, or is damaged.
    case notACatalog
    /// The folder of artifacts is gone, or is that of another catalog.
    case blobsFolder
    /// A name or an id that the catalog does not have, or has more than once.
    case notFound, ambiguous
    /// A value that the catalog refuses.
    case invalid
    /// SQL that is wrong, forbidden, or took too long.
    case query, queryTimedOut
    /// Another process holds the lock.
    case locked
    /// The catalog was opened for reading only.
    case readOnly
    /// SQLite could not read or write.
    case storage
}

/// Why the catalog could not do what was asked: one sentence that says what, where, and what to do.
public typealias CatalogError = CodedError<CatalogErrorCode>

extension CatalogError {
    /// Translates an error of SQLite.
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
        case .SQLITE_PROTOCOL:
            // Its locks of the log were held for as long as SQLite tries: by a process that was stopped while it opened the catalog.
            self.init(
                .locked,
                "another process began to open the catalog \(directory.path) and does not go on; let it go on or end it, and try again"
            )
        case .SQLITE_CANTOPEN where FileManager.default.fileExists(atPath: directory.database):
            self.init(
                .storage,
                "\(directory.database) cannot be opened (\(detail)); check its permissions and those of its folder, and that of "
                    + "catalog.sqlite-wal beside it, which holds what was written last")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
            self.init(.storage, "\(directory.database) cannot be opened for writing (\(detail)); check its permissions")
        default:
            self.init(.storage, "the catalog \(directory.database) could not be used: \(detail); `cellar verify` checks it")
        }
    }
}
