import Basics
public import CatalogSchema
import GRDB

/// A metric of a step, as a column of tomograms.
public struct MetricColumn: Hashable, Sendable {
    public let step: String
    /// What the step works on: a tomogram, or an annotation or a slab of it. Metrics of slices are too many to be columns.
    public let scope: ScopeKind
    /// As in `v_metric`: `density_mean`, `membrane/dice`.
    public let name: String

    /// `STEP/NAME`, by which people choose it.
    public var title: String { "\(step)/\(name)" }
}

extension Catalog.Results {
    /// The metrics that tomograms can be compared by: those of the latest results of each step, by step and name.
    ///
    /// - Parameter count: of how many results of each step names are taken.
    /// - Complexity: reads the metrics of `count` results for each step.
    public func metricColumns(ofLatest count: Int = 200) throws -> [MetricColumn] {
        try database.read { db in
            // Each step's own scan stops after `count` heads; a join over all metrics would read them all.
            let steps = try Row.fetchAll(
                db, sql: "SELECT id, name, scope FROM step WHERE scope IN ('tomogram', 'annotation', 'slab') ORDER BY name")
            return try steps.flatMap { step -> [MetricColumn] in
                let (id, name, scope): (Int64, String, ScopeKind) = (step["id"], step["name"], step["scope"])
                return try String.fetchAll(
                    db,
                    sql: """
                        SELECT DISTINCT name FROM metric WHERE trace_id IN
                            (SELECT trace_id FROM head WHERE step_id = ? ORDER BY scope_id DESC LIMIT ?)
                        ORDER BY name
                        """, arguments: [id, count]
                ).map { MetricColumn(step: name, scope: scope, name: $0) }
            }
        }
    }

    /// The values of a metric by the ids of tomograms. Of several annotations or slabs of a tomogram, that which was computed last
    /// counts; tomograms without the metric are left out.
    ///
    /// - Parameter tomograms: of which tomograms; nil for all.
    /// - Complexity: one search for each result of the step on these tomograms.
    public func values(of metric: MetricColumn, tomograms: [Int64]? = nil) throws -> [Int64: Double] {
        let (key, table): (String, String)
        switch metric.scope {
        case .tomogram: (key, table) = ("head.scope_id", "")
        case .annotation:
            (key, table) = ("annotation.tomogram_id", "JOIN annotation ON annotation.id = head.scope_id")
        case .slab: (key, table) = ("slab.tomogram_id", "JOIN slab ON slab.id = head.scope_id")
        case .slice, .trainingSet: return [:]
        }
        // Ids are whole numbers, and are written as such.
        let selection = tomograms.map { "AND \(key) IN (\($0.map { "\($0)" }.joined(separator: ",")))" } ?? ""
        return try database.read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT \(key) AS tomogram_id, metric.value AS value, max(head.trace_id)
                    FROM head \(table)
                    JOIN metric ON metric.trace_id = head.trace_id AND metric.name = ?
                    WHERE head.step_id = (SELECT id FROM step WHERE name = ?) \(selection)
                    GROUP BY 1
                    """, arguments: [metric.name, metric.step])
            var values: [Int64: Double] = [:]
            while let row = try rows.next() { values[row["tomogram_id"]] = row["value"] }
            return values
        }
    }
}
