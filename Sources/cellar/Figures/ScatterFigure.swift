import Basics
import Catalog
import CellarKit
import Rendering

/// Two columns of objects, or the means of two metrics over each tomogram, against one another.
///
/// Of more pairs than a picture can show, a sample is drawn in which every pair has the same chance, the same one each time.
struct ScatterFigure {
    static let mostPoints = 20_000
    let plot: ScatterPlot

    init(
        x: FigureSource.Quantity, y: FigureSource.Quantity, by: String?, where condition: String?, isLogarithmic: Bool,
        in connection: QueryConnection
    ) throws {
        let statement: String
        let source = try FigureSource(x, by: by, where: condition, in: connection)
        switch (x, y) {
        case (.column, .column(let other)):
            try ViewColumns("v_object", in: connection).check(other)
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
                .invalid, "--x and --y are two columns of v_object or two metrics, and not one of each")
        }
        var sample = PointSample(limit: Self.mostPoints)
        try source.forEach(statement) { key, values in
            sample.add(key, SIMD2(values[0], values[1]))
            try FigureSource.check(kinds: sample.kinds.count, most: PlotSeries.palette.count)
        }
        guard sample.count > 0 else {
            throw FigureSource.empty("\(x.view == "v_object" ? "objects" : "tomograms") with both numbers, or none")
        }
        let noun = x.view == "v_object" ? "objects" : "tomograms"
        let scale = isLogarithmic ? PlotAxis.Scale.logarithmic : .linear
        let title =
            sample.count > Self.mostPoints
            ? "\(Self.mostPoints) of \(sample.count) \(noun), drawn by lot" : "\(sample.count) \(noun)"
        plot = ScatterPlot(
            FigureSource.title(title, kinds: sample.kinds.keys), x: PlotAxis(x.label, scale: scale),
            y: PlotAxis(y.label, scale: scale), series: sample.series)
    }
}

/// At most so many points of any number, each of which has the same chance to be among them (Vitter's algorithm R, 1985).
struct PointSample {
    private let limit: Int
    private var points: [(key: String, point: SIMD2<Double>)] = []
    private var random = RandomStream(state: 1)
    private(set) var count = 0
    private(set) var kinds: [String: Int] = [:]

    init(limit: Int) { self.limit = limit }

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

    /// By name, with how many there are of each in all.
    var series: [PlotSeries] {
        Dictionary(grouping: points, by: \.key).sorted { $0.key < $1.key }.map { key, points in
            PlotSeries("\(key) (\(kinds[key] ?? 0))", points.map(\.point))
        }
    }
}
