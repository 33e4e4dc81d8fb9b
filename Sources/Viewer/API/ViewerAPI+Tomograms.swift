import Basics
import Catalog
import CatalogSchema
import CellarKit

/// The collection as a table: its columns, sorted and filtered rows of it, and the distribution of a column.
extension ViewerAPI {
    static let tomogramView = "v_tomogram"

    package struct Columns: Encodable, Sendable {
        package struct Column: Encodable, Sendable {
            package enum Group: String, Encodable, Sendable { case tomogram, metric }
            package let name: String
            /// `integer`, `real` or `text`.
            package let type: String
            package let unit: OrNull<String>
            package let meaning: String
            package let group: Group
        }
        package let columns: [Column]
    }

    /// What tomograms can be sorted by: the columns of `v_tomogram`, and metrics as `STEP/NAME`.
    package func columns() throws -> Columns {
        let own = Self.tomogramColumns.map {
            Columns.Column(name: $0.name, type: $0.type, unit: OrNull($0.unit), meaning: $0.meaning, group: .tomogram)
        }
        let metrics = try project.catalog.results.metricColumns().map {
            Columns.Column(
                name: $0.title, type: "real", unit: OrNull(nil), meaning: "`\($0.name)`, as \($0.step) measured it last",
                group: .metric)
        }
        return Columns(columns: own + metrics)
    }

    private static let tomogramColumns = ViewDocumentation.all.first { $0.name == tomogramView }?.columns ?? []

    /// A column of tomograms that was asked for by its name.
    enum TomogramColumn {
        case own(ViewDocumentation.Column)
        case metric(MetricColumn)
    }

    /// - Throws: ``ViewerError`` where there is no such column: what is not in the list never becomes SQL.
    func column(_ name: String) throws -> TomogramColumn {
        if let own = Self.tomogramColumns.first(where: { $0.name == name }) { return .own(own) }
        if name.contains("/"), let metric = try project.catalog.results.metricColumns().first(where: { $0.title == name }) {
            return .metric(metric)
        }
        throw ViewerError(.invalid, "there is no column \(name.prefix(100)); /api/v1/columns lists them")
    }

    /// Which rows of the collection are asked for.
    package struct TomogramRequest: Sendable {
        /// SQL, as it may follow WHERE; nil for all.
        package var condition: String?
        package var sort = "id"
        package var isDescending = false
        package var offset = 0
        package var limit = 100
        /// nil for all columns of `v_tomogram`.
        package var columns: [String]?

        package init() {}
    }

    /// Rows of the collection. Rows without a value in the column that they are sorted by come last; equal ones by id.
    ///
    /// - Complexity: sorts once for each condition and column, and reads the rows of the page alone.
    package func tomograms(_ request: TomogramRequest) throws -> JSONTable {
        let columns = try (request.columns ?? Self.tomogramColumns.map(\.name)).map { (name: $0, column: try column($0)) }
        let sort = try column(request.sort)
        let ids = try orders.ids(
            .init(condition: request.condition, column: request.sort, isDescending: request.isDescending)
        ) {
            try sorted(by: sort, isDescending: request.isDescending, where: request.condition)
        }
        let offset = min(max(request.offset, 0), ids.count)
        let page = Array(ids[offset..<min(ids.count, offset + min(max(request.limit, 0), Self.pageLimit))])
        var own = columns.compactMap { if case .own(let column) = $0.column { column.name } else { nil } }
        own.removeAll { $0 == "id" }
        let list = (["id"] + own).map { "\"\($0)\"" }.joined(separator: ", ")
        var known: [Int64: JSONRow] = [:]
        if !page.isEmpty {
            let selection = page.map { "\($0)" }.joined(separator: ",")
            for row in try rows("SELECT \(list) FROM \(Self.tomogramView) WHERE id IN (\(selection))") {
                if let id = row["id"]?.integer { known[id] = row }
            }
        }
        var metrics: [String: [Int64: Double]] = [:]
        for case (let name, .metric(let metric)) in columns where metrics[name] == nil {
            metrics[name] = try project.catalog.results.values(of: metric, tomograms: page)
        }
        let names = ["id"] + columns.map(\.name).filter { $0 != "id" }
        // A tomogram that was removed since the order was made is left out.
        let found = page.compactMap { id in
            known[id].map { row in
                JSONRow(names, names.map { row[$0] ?? metrics[$0]?[id].map { .real($0) } ?? .null })
            }
        }
        return JSONTable(total: ids.count, offset: offset, rows: found)
    }

    private func sorted(by column: TomogramColumn, isDescending: Bool, where condition: String?) throws -> [Int64] {
        let connection = try QueryConnection(project.catalog, timeLimitInSeconds: Self.filterSeconds)
        if let condition { try ViewColumns(Self.tomogramView, in: connection).check(condition: condition) }
        let select = QueryConnection.select(columns: "id", from: Self.tomogramView, where: condition)
        let direction = isDescending ? "DESC" : "ASC"
        var ids: [Int64] = []
        func read(_ sql: String) throws {
            try connection.run(sql) { row in if let id = row.first?.integer { ids.append(id) } }
        }
        switch column {
        // It is never NULL, and the database has this order.
        case .own(let column) where column.name == "id": try read("\(select) ORDER BY id \(direction)")
        case .own(let column):
            let name = "\"\(column.name)\""
            try read("\(select) ORDER BY \(name) IS NULL, \(name) \(direction), id")
        case .metric(let metric):
            try read("\(select) ORDER BY id")
            let values = try project.catalog.results.values(of: metric)
            // Ids ascend, and are the second key.
            ids = ids.map { (id: $0, value: values[$0]) }.sorted { a, b in
                switch (a.value, b.value) {
                case (let x?, let y?): x == y ? a.id < b.id : isDescending ? x > y : x < y
                case (nil, nil): a.id < b.id
                case (let x, _): x != nil
                }
            }.map(\.id)
        }
        return ids
    }
}
