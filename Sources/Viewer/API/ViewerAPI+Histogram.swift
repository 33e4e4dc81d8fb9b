import Basics
import Catalog
import CellarKit

/// The distribution of a column of tomograms, to filter by.
extension ViewerAPI {
    package struct Histogram: Encodable, Sendable {
        package enum Kind: String, Encodable, Sendable { case numbers, names }
        package struct Name: Encodable, Sendable {
            package let value: String
            package let count: Int
        }
        package let kind: Kind
        /// The `n + 1` borders of `n` bins; each bin has its lower border, and the last one the upper one as well. Of numbers
        /// alone.
        package var edges: [Double]?
        package var counts: [Int]?
        /// The most frequent texts, at most 30. Of names alone.
        package var values: [Name]?
        /// How many tomograms have no value.
        package let missing: Int
    }

    /// - Parameters:
    ///   - name: a column of `v_tomogram`, or a metric as `STEP/NAME`.
    ///   - condition: SQL, as it may follow WHERE; nil for all tomograms.
    ///   - bins: 1 to 500.
    /// - Complexity: reads the column of all tomograms.
    package func histogram(of name: String, where condition: String?, bins: Int = 30) throws -> Histogram {
        guard (1...500).contains(bins) else { throw ViewerError(.invalid, "bins is \(bins); give 1 to 500") }
        let connection = try QueryConnection(project.catalog, timeLimitInSeconds: Self.filterSeconds)
        if let condition { try ViewColumns(Self.tomogramView, in: connection).check(condition: condition) }
        func select(_ columns: String) -> String {
            QueryConnection.select(columns: columns, from: Self.tomogramView, where: condition)
        }
        var (values, missing): ([Double], Int) = ([], 0)
        switch try column(name) {
        case .own(let column) where column.type == "text":
            var names: [Histogram.Name] = []
            try connection.run(
                "SELECT value, count(*) FROM (\(select("\"\(column.name)\" AS value"))) GROUP BY value ORDER BY count(*) DESC, value"
            ) { row in
                let count = Int(row[1].integer ?? 0)
                if row[0] == .null {
                    missing = count
                } else if names.count < 30 {
                    names.append(.init(value: String(row[0].plainText.prefix(200)), count: count))
                }
            }
            return Histogram(kind: .names, values: names, missing: missing)
        case .own(let column):
            try connection.run(select("\"\(column.name)\"")) { row in
                if let value = row.first?.number, value.isFinite { values.append(value) } else { missing += 1 }
            }
        case .metric(let metric):
            let known = try project.catalog.results.values(of: metric)
            try connection.run(select("id")) { row in
                let value = row.first?.integer.flatMap { known[$0] }
                if let value, value.isFinite { values.append(value) } else { missing += 1 }
            }
        }
        return Self.histogram(values, bins: bins, missing: missing)
    }

    /// Counts finite values in bins of the same width, from the least to the largest.
    static func histogram(_ values: [Double], bins: Int, missing: Int) -> Histogram {
        guard let least = values.min(), let largest = values.max() else {
            return Histogram(kind: .numbers, edges: [], counts: [], missing: missing)
        }
        // One value alone gets bins around it. Halves, as the difference of the largest doubles is no double.
        let margin = least < largest ? 0 : max(abs(least) * 1e-3, 1e-3)
        let most = Double.greatestFiniteMagnitude
        let (low, high) = (max(least - margin, -most), min(largest + margin, most))
        let half = high / 2 - low / 2
        let edges = (0...bins).map { index in
            let part = Double(index) / Double(bins)
            return low * (1 - part) + high * part
        }
        var counts = [Int](repeating: 0, count: bins)
        for value in values {
            let place = half > 0 ? (value / 2 - low / 2) / half * Double(bins) : 0
            counts[min(max(Int(place.isFinite ? place : 0), 0), bins - 1)] += 1
        }
        return Histogram(kind: .numbers, edges: edges, counts: counts, missing: missing)
    }
}
