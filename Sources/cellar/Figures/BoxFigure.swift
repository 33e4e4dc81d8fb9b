import Catalog
import CellarKit
import Rendering

/// The values of a column or a metric in groups, as boxes.
///
/// Quantiles are exact. SQLite sorts the values, in files where they are many, and they are read in order: of each group only the values
/// at its quantiles are kept.
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

/// Quantiles of values that come in ascending order and are not kept, interpolated between neighbours (type 7 of Hyndman and Fan, 1996).
struct OrderedQuantiles {
    private let ranks: [Double]
    private let last: Double
    private var position = 0.0
    private(set) var values: [Double]

    /// - Parameter count: how many values come.
    init(count: Int, fractions: [Double]) {
        last = Double(max(count - 1, 0))
        ranks = fractions.map { [last] in $0 * last }
        values = fractions.map { _ in 0 }
    }

    mutating func append(_ value: Double) {
        for (index, rank) in ranks.enumerated() {
            let below = rank.rounded(.down)
            // What stands at the rank, or on both sides of it, by its share.
            if position == below { values[index] += value * (1 - (rank - below)) }
            if position == below + 1, rank > below { values[index] += value * (rank - below) }
        }
        position += 1
    }
}
