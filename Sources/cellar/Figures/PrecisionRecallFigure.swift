import Basics
import Catalog
import CellarKit
import Rendering

/// Precision by recall of each class, over the evaluations that stand: of one its curve; of several each in a pale line, and the mean.
struct PrecisionRecallFigure {
    /// Beyond this, pale lines are one pale area.
    private static let mostLines = 100
    /// Recalls at which precision is averaged.
    private static let recalls = (0...100).map { Double($0) / 100 }
    let plot: LinePlot

    /// - Parameter condition: over the columns of v_step.
    init(_ catalog: Catalog, where condition: String?, in connection: QueryConnection) throws {
        let columns = try ViewColumns("v_step", in: connection)
        if let condition { try columns.check(condition: condition) }
        var steps: [Int64: String] = [:]
        try connection.run(
            "SELECT trace_id, step FROM v_step WHERE step GLOB 'evaluate*'" + (condition.map { " AND (\n\($0)\n)" } ?? "")
        ) { row in
            if case (.integer(let id), .text(let step)) = (row[0], row[1]) { steps[id] = step }
        }
        let hasSeveralSteps = Set(steps.values).count > 1
        var sums: [String: CurveSum] = [:]
        try catalog.results.forEachValue(ofTraces: steps.keys.sorted(), output: "curves") { id, text in
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

/// Adds up curves of one class.
private struct CurveSum {
    private let recalls: [Double]
    private let limit: Int
    private var sums: [Double]
    private(set) var count = 0
    /// The first ones, as far as there is room.
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
        // The precision at a recall is the greatest at this or a greater one, and 0 beyond the last, as in average precision.
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
