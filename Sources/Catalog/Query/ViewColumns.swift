public import Basics

/// The columns of a public view, by which the words and conditions that people write are checked.
public struct ViewColumns {
    public let view: String
    public let names: [String]
    private let connection: QueryConnection

    /// - Throws: ``CatalogError`` where the catalog has no such view: an earlier version of Cellar wrote it.
    public init(_ view: String, in connection: QueryConnection) throws {
        var names: [String] = []
        do {
            try connection.run("SELECT * FROM \(view) LIMIT 0", columns: { names = $0 }, row: { _ in })
        } catch let error as CatalogError where error.message.contains("no such table") {
            throw CatalogError(
                .query,
                "the catalog was written by an earlier version and has no \(view); `cellar status` brings it up to date")
        }
        self.view = view
        self.names = names
        self.connection = connection
    }

    /// Checks that a word is one of the columns.
    public func check(_ column: String) throws(CatalogError) {
        guard names.contains(column) else {
            throw CatalogError(.query, "\(view) has no column \(column); it has \(names.joined(separator: ", "))")
        }
    }

    /// Checks that an expression can follow WHERE.
    public func check(condition: String) throws {
        do {
            try connection.run(QueryConnection.select(columns: "1", from: view, where: condition) + " LIMIT 0") { _ in }
        } catch let error as CatalogError where error.message.contains("no such column") {
            throw error.advising("\(view) has \(names.joined(separator: ", "))")
        }
    }
}

extension QueryConnection {
    /// Whether a query gives any row.
    public func hasRows(_ sql: String) throws -> Bool {
        var hasRows = false
        try run(sql) { _ in hasRows = true }
        return hasRows
    }

    /// The whole numbers in the first column of a query's rows.
    func integers(_ sql: String) throws -> [Int64] {
        var integers: [Int64] = []
        try run(sql) { row in if case .integer(let integer)? = row.first { integers.append(integer) } }
        return integers
    }
}

extension String {
    /// The text as a literal of SQL.
    public var sqlLiteral: String { "'" + replacing("'", with: "''") + "'" }
}
