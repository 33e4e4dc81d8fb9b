import Basics
import Catalog
import CellarKit

/// What the values of a figure are: a column of objects, or a metric; of which of them, and by what they are told apart.
struct FigureSource {
    enum Quantity {
        /// A column of v_object.
        case column(String)
        /// A metric, by its name.
        case metric(String)

        var view: String { if case .column = self { "v_object" } else { "v_metric" } }
        var expression: String { if case .column(let name) = self { name } else { "value" } }
        var noun: String { if case .column = self { "objects" } else { "values" } }

        /// What an axis of it is called.
        var label: String {
            switch self {
            case .column(let name), .metric(let name): MeasureLabel.text(name)
            }
        }
    }

    let quantity: Quantity
    let connection: QueryConnection
    /// What each value belongs to, as SQL; a text.
    let key: String
    private let conditions: [String]

    /// - Parameters:
    ///   - by: the column that tells values apart; nil for none.
    ///   - condition: what may stand behind WHERE.
    /// - Throws: ``CatalogError`` with a sentence where a column or metric is not there.
    init(_ quantity: Quantity, by: String?, where condition: String?, in connection: QueryConnection) throws {
        let columns = try ViewColumns(quantity.view, in: connection)
        if let by { try columns.check(by) }
        if let condition { try columns.check(condition: condition) }
        var conditions = condition.map { ["(\n\($0)\n)"] } ?? []
        let steps: String
        switch quantity {
        case .column(let name):
            try columns.check(name)
            steps = "SELECT count(DISTINCT step) > 1 FROM v_object_summary"
        case .metric(let name):
            guard try connection.hasRows("SELECT 1 FROM v_metric WHERE name = \(name.sqlLiteral) LIMIT 1") else {
                throw CatalogError(
                    .notFound, "no result that stands has a metric \(name); \(Statistics.Topic.tomograms.advice)")
            }
            conditions.append("name = \(name.sqlLiteral)")
            steps = "SELECT count(DISTINCT step) > 1 FROM v_metric WHERE " + conditions.joined(separator: " AND ")
        }
        conditions.append("\(quantity.expression) IS NOT NULL")
        // Several steps may speak of the same things: their values are never thrown together.
        var hasSeveralSteps = false
        try connection.run(steps) { hasSeveralSteps = $0.first == .integer(1) }
        let parts = (by.map { ["'' || ifnull(\($0), 'none')"] } ?? []) + (by == "step" || !hasSeveralSteps ? [] : ["step"])
        key = parts.isEmpty ? "''" : parts.joined(separator: " || ', ' || ")
        self.quantity = quantity
        self.connection = connection
        self.conditions = conditions
    }

    /// A statement over the values.
    ///
    /// - Parameter extra: one condition more.
    func statement(_ columns: String, where extra: String? = nil) -> String {
        "SELECT \(columns) FROM \(quantity.view) WHERE " + (conditions + (extra.map { [$0] } ?? [])).joined(separator: " AND ")
    }

    /// Calls the closure with the key and the numbers of each row of a statement whose first column is the key, as they are found.
    func forEach(_ statement: String, _ body: (_ key: String, _ values: [Double]) throws -> Void) throws {
        try connection.run(statement) { row in
            guard case .text(let key)? = row.first else { return }
            let values = row.dropFirst().compactMap(\.number)
            if values.count == row.count - 1, values.allSatisfy(\.isFinite) { try body(key, values) }
        }
    }

    /// What stands above a figure: what it is of, and of one kind only also which, since that has no legend.
    static func title(_ text: String, kinds: some Collection<String>) -> String {
        guard let kind = kinds.first, kinds.count == 1, !kind.isEmpty else { return text }
        return "\(text): \(kind)"
    }

    /// What a person did not ask for in vain.
    static func empty(_ what: String) -> CatalogError {
        CatalogError(
            .notFound, "there is nothing to draw: no \(what) for which --where is true; `cellar stats` says what there is")
    }

    /// Fails where there are more kinds of values than can be told apart.
    static func check(kinds: Int, most: Int) throws(CatalogError) {
        guard kinds <= most else {
            throw CatalogError(
                .invalid,
                "there are more than the \(most) kinds of values that can be told apart here; choose another --by, or fewer with --where"
            )
        }
    }
}
