import Basics
import Catalog
import Rendering

/// Pairs of numbers as dots: two columns of each object, or the means of two metrics over each tomogram.
///
/// Of more than 20,000 pairs a random sample is drawn, the same one each time. Every pair has the same probability to be in it.
struct ScatterFigure {
    static let mostPoints = 20_000
    let plot: ScatterPlot

    init(
        x: FigureQuantity, y: FigureQuantity, by: String?, where condition: String?, isLogarithmic: Bool,
        in connection: QueryConnection
    ) throws {
        let statement: String
        let source = try FigureSource(x, by: by, where: condition, in: connection)
        switch (x, y) {
        case (.column, .column(let other)):
            try ViewColumns(FigureQuantity.objectView, in: connection).check(other)
            statement = source.statement("\(source.key), \(x.expression), \(other)", where: "\(other) IS NOT NULL")
        case (.metric(let first), .metric(let second)):
            let other = try FigureSource(y, by: by, where: condition, in: connection)
            let key = by.map { "'' || ifnull(\($0), 'none')" } ?? "''"
            statement = """
                SELECT first.key, first.mean, second.mean FROM (
                    \(source.statement("\(key) AS key, tomogram_id, avg(value) AS mean")) GROUP BY key, tomogram_id) AS first
                JOIN (
                    \(other.statement("\(key) AS key, tomogram_id, avg(value) AS mean")) GROUP BY key, tomogram_id) AS second
                USING (key, tomogram_id)
                """
            guard first != second else { throw CatalogError(.invalid, "x and y are both \(first); choose two metrics") }
        default:
            throw CatalogError(
                .invalid, "x and y are a column of v_object and a metric; give two columns, or two metrics")
        }
        var sample = PointSample(limit: Self.mostPoints)
        try source.forEach(statement) { key, values in
            sample.add(key, SIMD2(values[0], values[1]))
            try FigureSource.check(kinds: sample.kinds.count, most: PlotSeries.palette.count)
        }
        guard sample.count > 0 else {
            throw FigureSource.empty(
                "\(x.view == FigureQuantity.objectView ? "objects" : "tomograms") with both numbers, or none")
        }
        let noun = x.view == FigureQuantity.objectView ? "objects" : "tomograms"
        let scale = isLogarithmic ? PlotAxis.Scale.logarithmic : .linear
        let title =
            sample.count > Self.mostPoints
            ? "\(Self.mostPoints) of \(sample.count) \(noun), drawn by lot" : "\(sample.count) \(noun)"
        plot = ScatterPlot(
            FigureSource.title(title, kinds: sample.kinds.keys), x: PlotAxis(x.label, scale: scale),
            y: PlotAxis(y.label, scale: scale), series: sample.series)
    }
}

/// A uniform random sample of at most `limit` points of a stream (reservoir sampling: algorithm R of Vitter, 1985). The same
/// seed gives the same sample.
struct PointSample {
    private let limit: Int
    private var points: [(key: String, point: SIMD2<Double>)] = []
    private var random: RandomStream
    /// The number of points that were added.
    private(set) var count = 0
    /// The same, by group.
    private(set) var kinds: [String: Int] = [:]

    init(limit: Int, seed: UInt64 = 1) {
        self.limit = limit
        random = RandomStream(state: seed)
    }

    mutating func add(_ key: String, _ point: SIMD2<Double>) {
        count += 1
        kinds[key, default: 0] += 1
        if points.count < limit {
            points.append((key, point))
        } else {
            let place = Int.random(in: 0..<count, using: &random)
            if place < limit { points[place] = (key, point) }
        }
    }

    /// The sampled points of each group, by name; the name ends with the number of all points of the group.
    var series: [PlotSeries] {
        Dictionary(grouping: points, by: \.key).sorted { $0.key < $1.key }.map { key, points in
            PlotSeries("\(key) (\(kinds[key] ?? 0))", points.map(\.point))
        }
    }
}
