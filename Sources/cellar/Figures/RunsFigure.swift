import Basics
import Catalog
import CellarKit
import Rendering

/// A metric from run to run: at each, the mean over the results as they were then.
struct RunsFigure {
    let plot: LinePlot

    /// - Parameters:
    ///   - by: a column of v_metric_history; nil for one line for each step.
    ///   - condition: over the columns of v_metric_history.
    init(metric: String, by: String?, where condition: String?, in connection: QueryConnection) throws {
        let columns = try ViewColumns("v_metric_history", in: connection)
        if let by { try columns.check(by) }
        if let condition { try columns.check(condition: condition) }
        let name = metric.sqlLiteral
        guard try connection.hasRows("SELECT 1 FROM v_metric_history WHERE name = \(name) LIMIT 1") else {
            throw CatalogError(.notFound, "no step ever measured a metric \(metric); \(Statistics.Topic.tomograms.advice)")
        }
        var groups: [String: RunMeans] = [:]
        try connection.run(
            """
            SELECT \(by.map { by in by == "step" ? "step" : "ifnull(\(by), 'none') || ', ' || step" } ?? "step"), scope_id, run_id, value
            FROM v_metric_history WHERE name = \(name)\(condition.map { " AND (\n\($0)\n)" } ?? "") ORDER BY trace_id
            """
        ) { row in
            guard case (.text(let key), .integer(let scope), .integer(let run)) = (row[0], row[1], row[2]),
                let value = row[3].number
            else { return }
            groups[key, default: RunMeans()].add(value, scope: scope, run: run)
            try FigureSource.check(kinds: groups.count, most: PlotSeries.palette.count)
        }
        guard !groups.isEmpty else { throw FigureSource.empty("values of \(metric)") }
        let values = groups.values.reduce(0) { $0 + $1.scopes }
        plot = LinePlot(
            FigureSource.title("mean of \(values) value\(values == 1 ? "" : "s")", kinds: groups.keys),
            x: PlotAxis("run", isWhole: true),
            y: PlotAxis(MeasureLabel.text(metric)),
            series: groups.sorted { $0.key < $1.key }.map { key, means in
                PlotSeries("\(key) (\(means.scopes))", means.points)
            })
    }
}

/// The mean over the latest value of each scope, run by run.
struct RunMeans {
    private var latest: [Int64: Double] = [:]
    private var sum = 0.0
    private(set) var points: [SIMD2<Double>] = []

    var scopes: Int { latest.count }

    /// - Parameter run: not before that of the value before.
    mutating func add(_ value: Double, scope: Int64, run: Int64) {
        sum += value - (latest.updateValue(value, forKey: scope) ?? 0)
        let point = SIMD2(Double(run), sum / Double(latest.count))
        if points.last?.x == point.x { points[points.count - 1] = point } else { points.append(point) }
    }
}
