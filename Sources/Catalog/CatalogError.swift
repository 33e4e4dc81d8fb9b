/// Why the catalog could not do what was asked: one sentence that says what, where, and what to do.
public struct CatalogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
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

    public let code: Code
    /// One sentence, beginning in lower case.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
