import Basics
import Catalog
import Engine
import Pipeline
import Rendering

/// Precision by recall of each class, of the evaluations that stand: the curve of a single evaluation; of several a pale line for
/// each, and their mean.
struct PrecisionRecallFigure {
    /// The most pale lines of a class; more lines would be one pale area.
    private static let mostLines = 100
    /// The recalls at which precision is averaged.
    private static let recalls = (0...100).map { Double($0) / 100 }
    let plot: LinePlot

    /// - Parameter condition: an SQL expression over the columns of `v_step`.
    /// - Throws: ``CatalogError`` where no evaluation stands, or a curve has another form.
    init(_ catalog: Catalog, where condition: String?, in connection: QueryConnection) throws {
        let columns = try ViewColumns("v_step", in: connection)
        if let condition { try columns.check(condition: condition) }
        var steps: [Int64: String] = [:]
        try connection.run(
            "SELECT trace_id, step FROM v_step WHERE step GLOB \("\(EvaluateStep.name)*".sqlLiteral)"
                + (condition.map { " AND (\n\($0)\n)" } ?? "")
        ) { row in
            if case (.integer(let id), .text(let step)) = (row[0], row[1]) { steps[id] = step }
        }
        let hasSeveralSteps = Set(steps.values).count > 1
        var sums: [String: CurveSum] = [:]
        try catalog.results.forEachValue(ofTraces: steps.keys.sorted(), output: EvaluateStep.outputs.curves.output.name) {
            id, text in
            guard let curves = EvaluationCurve.curves(in: text) else {
                throw CatalogError(.invalid, "the curves that \(steps[id] ?? "a step") keeps are not understood; run it again")
            }
            for (name, curve) in curves where !curve.recall.isEmpty {
                let key = hasSeveralSteps ? "\(steps[id] ?? "") \(name)" : name
                sums[key, default: CurveSum(recalls: Self.recalls, keeping: Self.mostLines)].add(curve)
                try FigureSource.check(kinds: sums.count, most: PlotSeries.palette.count)
            }
        }
        guard !sums.isEmpty else {
            throw CatalogError(
                .notFound, "no evaluation that stands has a curve of precision by recall; \(Statistics.Topic.evaluation.advice)")
        }
        var (lines, means): ([PlotSeries], [PlotSeries]) = ([], [])
        for (index, (key, sum)) in sums.sorted(by: { $0.key < $1.key }).enumerated() {
            let color = PlotSeries.palette[index]
            guard sum.count > 1 else {
                means += sum.curves.map { PlotSeries("\(key) (1)", $0, color: color) }
                continue
            }
            lines += sum.curves.map { PlotSeries("", $0, color: color.mixed(with: .white, fraction: 0.75)) }
            means.append(PlotSeries("\(key) (mean of \(sum.count))", sum.mean, color: color))
        }
        let evaluations = sums.values.map(\.count).max() ?? 0
        plot = LinePlot(
            FigureSource.title("\(evaluations) evaluation\(evaluations == 1 ? "" : "s")", kinds: sums.keys),
            x: PlotAxis("recall", range: 0...1),
            y: PlotAxis("precision", range: 0...1), series: lines + means)
    }
}

/// The sum of precisions at given recalls, over the curves of one class. The precision at a recall r is max precision(r'), r' ≥
/// r; 0 where there is no such r', as in average precision.
private struct CurveSum {
    private let recalls: [Double]
    private let limit: Int
    private var sums: [Double]
    private(set) var count = 0
    /// The points of the first curves, at most `limit` curves.
    private(set) var curves: [[SIMD2<Double>]] = []

    init(recalls: [Double], keeping limit: Int) {
        self.recalls = recalls
        self.limit = limit
        sums = recalls.map { _ in 0 }
    }

    mutating func add(_ curve: EvaluationCurve) {
        count += 1
        let points = zip(curve.recall, curve.precision).map { SIMD2($0, $1) }
        if curves.count < limit { curves.append(points) }
        let ordered = points.sorted { ($0.x, $0.y) > ($1.x, $1.y) }
        var (next, best) = (0, 0.0)
        for index in recalls.indices.reversed() {
            while next < ordered.count, ordered[next].x >= recalls[index] - 1e-12 {
                best = max(best, ordered[next].y)
                next += 1
            }
            sums[index] += best
        }
    }

    var mean: [SIMD2<Double>] { zip(recalls, sums).map { SIMD2($0, $1 / Double(max(count, 1))) } }
}

/// A metric by run: the mean over the results that stood after each run, a line for each group.
struct RunsFigure {
    let plot: LinePlot

    /// - Parameters:
    ///   - by: a column of `v_metric_history` that groups values, beside the step; nil for one line for each step.
    ///   - condition: an SQL expression over the columns of `v_metric_history`.
    /// - Throws: ``CatalogError`` where no step ever recorded the metric, or no value meets the condition.
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

/// The mean over the latest value of each scope, after each run.
struct RunMeans {
    private var latest: [Int64: Double] = [:]
    private var sum = 0.0
    /// (run, mean), by ascending run.
    private(set) var points: [SIMD2<Double>] = []

    /// The number of scopes that have a value.
    var scopes: Int { latest.count }

    /// - Parameter run: not less than the run of the value before.
    mutating func add(_ value: Double, scope: Int64, run: Int64) {
        sum += value - (latest.updateValue(value, forKey: scope) ?? 0)
        let point = SIMD2(Double(run), sum / Double(latest.count))
        if points.last?.x == point.x { points[points.count - 1] = point } else { points.append(point) }
    }
}
