import Basics
import Catalog

/// The values of a figure as SQL: a column of objects or a metric, the condition on its rows, and the key that groups them.
struct FigureSource {
    let quantity: FigureQuantity
    let connection: QueryConnection
    /// The group of a value: an SQL expression whose value is a text.
    let key: String
    private let conditions: [String]

    /// - Parameters:
    ///   - by: the column that groups values; nil for one group.
    ///   - condition: an SQL expression that may follow WHERE.
    /// - Throws: ``CatalogError`` where a column or metric does not exist, or the condition is no SQL.
    init(_ quantity: FigureQuantity, by: String?, where condition: String?, in connection: QueryConnection) throws {
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
        if hasSeveralSteps, case .column = quantity {
            // Several steps have objects; not all have this column, or meet the condition. Few questions are worth reading all objects.
            let own = "SELECT count(DISTINCT step) > 1 FROM \(quantity.view) WHERE " + conditions.joined(separator: " AND ")
            try connection.run(own) { hasSeveralSteps = $0.first == .integer(1) }
        }
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

    /// Calls the closure with the key and the numbers of each row of a statement. The first column of the statement is the key.
    /// Rows with NULL, NaN or infinity are passed over.
    ///
    /// - Complexity: streams the rows; keeps none.
    func forEach(_ statement: String, _ body: (_ key: String, _ values: [Double]) throws -> Void) throws {
        try connection.run(statement) { row in
            guard case .text(let key)? = row.first else { return }
            let values = row.dropFirst().compactMap(\.number)
            if values.count == row.count - 1, values.allSatisfy(\.isFinite) { try body(key, values) }
        }
    }

    /// The title of a figure. It names the group where there is only one, because such a figure has no legend.
    static func title(_ text: String, kinds: some Collection<String>) -> String {
        guard let kind = kinds.first, kinds.count == 1, !kind.isEmpty else { return text }
        return "\(text): \(kind)"
    }

    /// The error for a figure without values.
    static func empty(_ what: String) -> CatalogError {
        CatalogError(
            .notFound, "there is nothing to draw: no \(what) for which --where is true; `cellar stats` says what there is")
    }

    /// Throws where there are more groups than colours or rows.
    static func check(kinds: Int, most: Int) throws(CatalogError) {
        guard kinds <= most else {
            throw CatalogError(
                .invalid,
                "there are more than the \(most) kinds of values that can be told apart here; choose another --by, or fewer with --where"
            )
        }
    }
}

/// The names of columns and metrics for axes, with units: `volume_nm3` becomes `volume (nm³)`.
enum MeasureLabel {
    private static let columns = [
        "volume_nm3": "volume (nm³)", "surface_nm2": "surface (nm²)", "diameter_nm": "diameter (nm)",
        "membrane_distance": "distance to membrane (Å)", "radius": "radius (Å)", "elongation": "elongation",
        "density_mean": "mean density", "x": "x (Å)", "y": "y (Å)", "z": "z (Å)", "concentration": "objects per µm³",
        "dice": "Dice", "iou": "IoU", "f1": "F1", "surface_dice": "surface Dice", "thickness_found": "thickness found (Å)",
        "thickness_true": "true thickness (Å)",
    ]
    /// The endings of names that stand for a unit.
    private static let units = [
        ("_nm3", "nm³"), ("_nm2", "nm²"), ("_nm", "nm"), ("_um3", "µm³"), ("_angstrom", "Å"), ("_seconds", "s"),
    ]

    /// - Parameter name: a column, or a metric such as `membrane/dice`.
    static func text(_ name: String) -> String {
        let slash = name.lastIndex(of: "/")
        let measure = slash.map { String(name[name.index(after: $0)...]) } ?? name
        let subject = slash.map { name[..<$0] + ": " } ?? ""
        return subject + (columns[measure] ?? spelled(measure))
    }

    private static func spelled(_ measure: String) -> String {
        for (ending, unit) in units where measure.hasSuffix(ending) {
            return measure.dropLast(ending.count).replacing("_", with: " ") + " (\(unit))"
        }
        return measure.replacing("_", with: " ")
    }
}
