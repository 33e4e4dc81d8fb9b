import Catalog
import Foundation
import Rendering

/// The histogram of a column or a metric, by group.
///
/// Values are read twice: once for their range, once to be counted. Only counts are kept, so that memory does not grow with the
/// values.
struct HistogramFigure {
    let plot: HistogramPlot

    /// - Parameters:
    ///   - bins: the number of bins.
    ///   - isLogarithmic: whether bins are equally wide in log₁₀ of the value; then values that are not positive are left out.
    init(_ source: FigureSource, bins: Int, isLogarithmic: Bool) throws {
        let value = source.quantity.expression
        let positive = isLogarithmic ? "\(value) > 0" : nil
        var range: (low: Double, high: Double)?
        try source.connection.run(source.statement("min(\(value)), max(\(value))", where: positive)) { row in
            if let low = row[0].number, let high = row[1].number, low.isFinite, high.isFinite { range = (low, high) }
        }
        guard let range else {
            throw FigureSource.empty(
                "\(source.quantity.noun)\(isLogarithmic ? " with a positive \(value)" : "") at hand, or none")
        }
        let scale = BinScale(low: range.low, high: range.high, count: bins, isLogarithmic: isLogarithmic)
        var counts: [String: [Double]] = [:]
        try source.forEach(source.statement("\(source.key), \(value)", where: positive)) { key, values in
            counts[key, default: Array(repeating: 0, count: bins)][scale.bin(of: values[0])] += 1
            try FigureSource.check(kinds: counts.count, most: PlotSeries.palette.count)
        }
        let total = counts.values.reduce(0) { $0 + $1.reduce(0, +) }
        plot = HistogramPlot(
            FigureSource.title("\(Int(total)) \(source.quantity.noun)", kinds: counts.keys),
            x: PlotAxis(source.quantity.label, scale: isLogarithmic ? .logarithmic : .linear),
            y: PlotAxis(source.quantity.noun),
            edges: scale.edges,
            series: counts.sorted { $0.key < $1.key }.map { key, counts in
                .init("\(key) (\(Int(counts.reduce(0, +))))", counts: counts)
            })
    }
}

/// Bins of equal width between two values, or of equal width in log₁₀ of the value.
struct BinScale {
    /// The edges, ascending: one more than there are bins.
    let edges: [Double]
    private let isLogarithmic: Bool
    private let low: Double
    private let width: Double

    /// - Parameters:
    ///   - low: the least value; positive where the scale is logarithmic.
    ///   - high: the greatest value, not below `low`. Where both are equal, the bins lie around them.
    ///   - count: the number of bins.
    init(low: Double, high: Double, count: Int, isLogarithmic: Bool) {
        var (first, last) = isLogarithmic ? (log10(low), log10(high)) : (low, high)
        if last <= first {
            // All values are one: bins around it.
            let margin = isLogarithmic ? 0.5 : max(abs(first) / 10, 0.5)
            (first, last) = (first - margin, last + margin)
        }
        let width = (last - first) / Double(count)
        self.isLogarithmic = isLogarithmic
        self.low = first
        self.width = width
        edges = (0...count).map { index in
            let edge = first + Double(index) * width
            return isLogarithmic ? pow(10, edge) : edge
        }
    }

    /// The index of the bin of a value; the first or the last bin for a value outside the range. An edge belongs to the bin above
    /// it.
    func bin(of value: Double) -> Int {
        let position = ((isLogarithmic ? log10(value) : value) - low) / width
        return Int(min(max(position, 0), Double(edges.count - 2)))
    }
}

/// Quantiles of a column or a metric, a box for each group.
///
/// Quantiles are exact. SQLite sorts the values (many values in temporary files), and they are read in order: for each group only
/// its quantiles are kept.
struct BoxFigure {
    private static let mostGroups = 100
    let plot: BoxPlot

    init(_ source: FigureSource, isLogarithmic: Bool) throws {
        let value = source.quantity.expression
        let positive = isLogarithmic ? "\(value) > 0" : nil
        let statement = source.statement("\(source.key) AS kind, \(value) AS number", where: positive)
        var counts: [String: Int] = [:]
        try source.forEach(statement) { key, _ in
            counts[key, default: 0] += 1
            try FigureSource.check(kinds: counts.count, most: Self.mostGroups)
        }
        guard !counts.isEmpty else { throw FigureSource.empty("\(source.quantity.noun) at hand, or none") }
        var quantiles: [String: OrderedQuantiles] = [:]
        try source.forEach(statement + " ORDER BY kind, number") { key, values in
            if quantiles[key]?.append(values[0]) == nil {
                var ordered = OrderedQuantiles(count: counts[key] ?? 1, fractions: BoxPlot.Group.fractions)
                ordered.append(values[0])
                quantiles[key] = ordered
            }
        }
        plot = BoxPlot(
            "\(counts.values.reduce(0, +)) \(source.quantity.noun): median, quartiles, 5 to 95 %",
            x: PlotAxis(source.quantity.label, scale: isLogarithmic ? .logarithmic : .linear),
            groups: counts.sorted { $0.key < $1.key }.map { key, count in
                .init(key.isEmpty ? "all" : key, count: count, quantiles: quantiles[key]?.values ?? [])
            })
    }
}

/// What the objects of each group are made of, by the values of a column.
///
/// SQLite counts; only counts are kept.
struct CompositionFigure {
    private static let mostGroups = 100
    let plot: StackedBarPlot

    init(_ source: FigureSource) throws {
        let column = source.quantity.expression
        var counts: [String: [String: Int]] = [:]
        var values: Set<String> = []
        let statement = source.statement("\(source.key) AS kind, '' || \(column) AS part, count(*)") + " GROUP BY 1, 2"
        try source.connection.run(statement) { row in
            guard let count = row[2].integer else { return }
            let value = row[1].plainText
            counts[row[0].plainText, default: [:]][value] = Int(count)
            values.insert(value)
            try FigureSource.check(kinds: values.count, most: PlotSeries.palette.count)
            try FigureSource.check(kinds: counts.count, most: Self.mostGroups)
        }
        guard !counts.isEmpty else { throw FigureSource.empty("\(source.quantity.noun) with a \(column) at hand, or none") }
        // The most frequent first; numbers of kinds in their order where they are equally frequent.
        let totals = counts.values.reduce(into: [String: Int]()) { $0.merge($1, uniquingKeysWith: +) }
        let parts = totals.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        let total = totals.values.reduce(0, +)
        plot = StackedBarPlot(
            "\(total) \(source.quantity.noun) by \(source.quantity.label)", label: "part of the \(source.quantity.noun)",
            parts: parts.map { "\($0) (\(totals[$0] ?? 0))" },
            bars: counts.sorted { $0.key < $1.key }.map { key, counts in
                .init(key.isEmpty ? "all" : key, counts: parts.map { counts[$0] ?? 0 })
            })
    }
}

/// Quantiles of a stream of ascending values: the quantile of the fraction p of n values is the value at the rank p · (n − 1),
/// interpolated between the two values beside it (type 7 of Hyndman and Fan, 1996). No value is kept.
struct OrderedQuantiles {
    /// One for each fraction: the rank of its quantile, from 0.
    private let ranks: [Double]
    private let last: Double
    private var position = 0.0
    /// The quantiles, one for each fraction; final after the last value was appended.
    private(set) var values: [Double]

    /// - Parameters:
    ///   - count: the number of values that will be appended.
    ///   - fractions: 0 … 1.
    init(count: Int, fractions: [Double]) {
        last = Double(max(count - 1, 0))
        ranks = fractions.map { [last] in $0 * last }
        values = fractions.map { _ in 0 }
    }

    /// - Parameter value: not below the value before.
    mutating func append(_ value: Double) {
        for (index, rank) in ranks.enumerated() {
            let below = rank.rounded(.down)
            // The value at the rank, or a share of each of the two values beside it.
            if position == below { values[index] += value * (1 - (rank - below)) }
            if position == below + 1, rank > below { values[index] += value * (rank - below) }
        }
        position += 1
    }
}
