import Catalog
import CellarKit
import Foundation
import Rendering

/// How often the values of a column or a metric fall into bins.
///
/// Values are read twice, first for their range and then to be counted; only counts are kept, so that memory does not grow with them.
struct HistogramFigure {
    let plot: HistogramPlot

    /// - Parameters:
    ///   - bins: how many.
    ///   - isLogarithmic: whether bins are of equal factors; values that are not positive are left out then.
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

/// Bins of equal widths, or of equal factors, between two values.
struct BinScale {
    let edges: [Double]
    private let isLogarithmic: Bool
    private let low: Double
    private let width: Double

    /// - Parameters:
    ///   - low: positive where bins are of equal factors.
    ///   - high: not below `low`.
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

    /// The bin that a value falls into; the first or the last one for what lies outside.
    func bin(of value: Double) -> Int {
        let position = ((isLogarithmic ? log10(value) : value) - low) / width
        return Int(min(max(position, 0), Double(edges.count - 2)))
    }
}
