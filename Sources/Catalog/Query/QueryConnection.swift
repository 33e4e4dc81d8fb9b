public import Basics
import Foundation
import GRDBSQLite

/// A connection for SQL that people and programs write: it only reads, and only for a limited time.
///
/// There are three fences: the file is opened read-only; an authorizer refuses every action but reading tables and calling
/// functions; a deadline interrupts a query that takes too long. It is made from an open catalog, so that the rules of opening
/// hold for it as well. One thread at a time may use it; it is meant to live as long as one query.
///
/// - SeeAlso: https://www.sqlite.org/c3ref/set_authorizer.html, https://www.sqlite.org/security.html
public final class QueryConnection {
    private var connection: OpaquePointer?
    private let deadline = Deadline()
    private let timeLimitInSeconds: Double

    /// - Parameter timeLimitInSeconds: how long a query may take. Infinity counts as 30 years, NaN as 0.
    /// - Throws: ``CatalogError`` where the catalog cannot be opened.
    public init(_ catalog: Catalog, timeLimitInSeconds: Double = 60) throws(CatalogError) {
        self.timeLimitInSeconds = timeLimitInSeconds
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI
        let directory = catalog.directory
        let path = try catalog.readingPath()
        guard sqlite3_open_v2(path, &connection, flags, nil) == SQLITE_OK else {
            let message = lastMessage
            sqlite3_close_v2(connection)
            throw CatalogError(
                .storage, "\(directory.database) cannot be opened for reading: \(message); check disk and permissions")
        }
        sqlite3_busy_timeout(connection, 10_000)
        sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0)
        // One value may hold at most 64 MiB: a query cannot take all memory by `zeroblob`.
        sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, 64 << 20)
        // SQLite looks at the deadline between instructions, and one LIKE with many wildcards is a single instruction.
        sqlite3_limit(connection, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 200)
        // These two virtual tables declare their columns at their first use in a connection, which the authorizer would refuse as
        // a change of the schema. If this fails, the first query says why.
        sqlite3_exec(connection, "SELECT 1 FROM json_each('[]'), json_tree('[]')", nil, nil, nil)
        sqlite3_set_authorizer(connection, authorize, nil)
        let context = Unmanaged.passUnretained(deadline).toOpaque()
        sqlite3_progress_handler(connection, 10_000, { Deadline.isOver($0) ? 1 : 0 }, context)
    }

    deinit { sqlite3_close_v2(connection) }

    /// Runs one SELECT, and calls one closure with the names of the columns, then the other with each row. Rows are read one by
    /// one: memory does not grow with their number.
    ///
    /// - Parameter parameters: values for `:name`, `@name` or `$name` in the SQL.
    /// - Throws: ``CatalogError`` where the SQL is wrong, does anything but read, has a parameter without a value or a
    ///   value without a parameter, or takes longer than the limit.
    public func run(
        _ sql: String, parameters: [String: QueryValue] = [:], columns: ([String]) throws -> Void = { _ in },
        row: ([QueryValue]) throws -> Void
    ) throws {
        deadline.start(timeLimitInSeconds)
        let statement = try prepare(sql)
        defer { sqlite3_finalize(statement) }
        try bind(parameters, to: statement)
        let count = sqlite3_column_count(statement)
        try columns((0..<count).map { sqlite3_column_name(statement, $0).map { String(cString: $0) } ?? "" })
        while true {
            switch sqlite3_step(statement) {
            case SQLITE_ROW: try row((0..<count).map { value(of: statement, at: $0) })
            case SQLITE_DONE: return
            default: throw failure()
            }
        }
    }

    /// The ids of a public view's rows for which an expression is true, ascending.
    ///
    /// - Parameters:
    ///   - view: a view of Schema/views.md that has a column `id`.
    ///   - expression: an SQL expression, as it may follow WHERE.
    /// - Throws: ``CatalogError`` as `run` does.
    public func ids(in view: String, where expression: String) throws -> [Int64] {
        var ids: [Int64] = []
        try run(Self.select(columns: "id", from: view, where: expression) + " ORDER BY id") { row in
            if case .integer(let id)? = row.first { ids.append(id) }
        }
        return ids
    }

    /// A SELECT over a view. The expression stands on lines of its own, so that a comment at its end hides nothing.
    public static func select(columns: String, from view: String, where expression: String?) -> String {
        "SELECT \(columns) FROM \(view)" + (expression.map { " WHERE (\n\($0)\n)" } ?? "")
    }

    // MARK: Statements

    private func prepare(_ sql: String) throws(CatalogError) -> OpaquePointer {
        var statement: OpaquePointer?
        var rest = ""
        let status = sql.withCString { text in
            var tail: UnsafePointer<CChar>?
            let status = sqlite3_prepare_v2(connection, text, -1, &statement, &tail)
            rest = tail.map { String(cString: $0) } ?? ""
            return status
        }
        guard status == SQLITE_OK else { throw failure() }
        guard let statement else {
            throw CatalogError(.query, "the query is empty; write a SELECT, for example `SELECT name FROM v_tomogram`")
        }
        guard rest.allSatisfy({ $0.isWhitespace || $0 == ";" }) || isOnlyComment(rest) else {
            sqlite3_finalize(statement)
            throw CatalogError(.query, "the query holds more than one statement; give one at a time")
        }
        return statement
    }

    /// Whether the rest of a text holds no statement, but only comments.
    private func isOnlyComment(_ sql: String) -> Bool {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        return sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK && statement == nil
    }

    private func bind(_ parameters: [String: QueryValue], to statement: OpaquePointer) throws(CatalogError) {
        var unused = Set(parameters.keys)
        for index in stride(from: Int32(1), through: sqlite3_bind_parameter_count(statement), by: 1) {
            guard let text = sqlite3_bind_parameter_name(statement, index) else {
                throw CatalogError(.query, "the query has a parameter without a name; write :name instead of ?")
            }
            let name = String(String(cString: text).dropFirst())
            guard let value = parameters[name] else {
                throw CatalogError(.query, "the query's parameter :\(name) has no value; add --param \(name)=VALUE")
            }
            unused.remove(name)
            // SQLITE_TRANSIENT: SQLite copies the value.
            let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
            let status =
                switch value {
                case .null: sqlite3_bind_null(statement, index)
                case .integer(let integer): sqlite3_bind_int64(statement, index, integer)
                case .real(let real): sqlite3_bind_double(statement, index, real)
                case .text(let text): sqlite3_bind_text(statement, index, text, -1, transient)
                case .blob(let bytes): sqlite3_bind_blob(statement, index, bytes, Int32(clamping: bytes.count), transient)
                }
            guard status == SQLITE_OK else { throw failure() }
        }
        if let name = unused.sorted().first {
            throw CatalogError(
                .query, "the query has no parameter :\(name); leave out --param \(name) or use :\(name) in the SQL")
        }
    }

    private func value(of statement: OpaquePointer, at column: Int32) -> QueryValue {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT:
            return sqlite3_column_text(statement, column).map { .text(String(cString: $0)) } ?? .null
        case SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(statement, column))
            guard let bytes = sqlite3_column_blob(statement, column) else { return .blob([]) }
            return .blob(Array(UnsafeRawBufferPointer(start: bytes, count: count)))
        default: return .null
        }
    }

    // MARK: Errors

    private var lastMessage: String { connection.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory" }

    private func failure() -> CatalogError {
        switch sqlite3_errcode(connection) {
        case SQLITE_INTERRUPT:
            CatalogError(
                .queryTimedOut,
                "the query took longer than \(timeLimitInSeconds) s and was stopped; narrow it or raise --time-limit")
        case SQLITE_AUTH: CatalogError(.query, "only reading is allowed in a query (\(lastMessage)); write a SELECT")
        case SQLITE_NOTADB, SQLITE_CORRUPT:
            CatalogError(.notACatalog, "the catalog is damaged (\(lastMessage)); restore it from a `cellar backup`")
        default: CatalogError(.query, "the query is not understood: \(lastMessage); `cellar query --help` names the views")
        }
    }
}

/// Allows reading, and functions that only compute.
private let authorize:
    @convention(c) (
        UnsafeMutableRawPointer?, Int32, UnsafePointer<CChar>?, UnsafePointer<CChar>?, UnsafePointer<CChar>?,
        UnsafePointer<CChar>?
    ) -> Int32 = { _, action, _, second, _, _ in
        switch action {
        case SQLITE_SELECT, SQLITE_READ, SQLITE_RECURSIVE: return SQLITE_OK
        case SQLITE_FUNCTION:
            let name = second.map { String(cString: $0).lowercased() }
            return name == "load_extension" || name == "readfile" || name == "writefile" ? SQLITE_DENY : SQLITE_OK
        default: return SQLITE_DENY
        }
    }

/// The time at which a query is stopped.
private final class Deadline {
    private var end = ContinuousClock.now

    /// Starts to count. Any number is taken: it is limited to 0 to 10⁹ s, since a clock cannot count beyond some centuries, and
    /// NaN is 0.
    func start(_ seconds: Double) {
        let limit = 1e9
        end = ContinuousClock.now + .seconds(seconds.isNaN ? 0 : min(max(seconds, 0), limit))
    }

    static func isOver(_ context: UnsafeMutableRawPointer?) -> Bool {
        guard let context else { return false }
        return ContinuousClock.now > Unmanaged<Deadline>.fromOpaque(context).takeUnretainedValue().end
    }
}
