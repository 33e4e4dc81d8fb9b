public import Basics

/// The kinds of ``CatalogError``.
public enum CatalogErrorCode: String, ErrorCode {
    /// There is no catalog here.
    case noCatalog
    /// Something that should not be there already is.
    case alreadyExists
    /// The file is not a catalog, or is damaged.
    case notACatalog
    /// The file system cannot keep a database safe.
    case unsafeFileSystem
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
