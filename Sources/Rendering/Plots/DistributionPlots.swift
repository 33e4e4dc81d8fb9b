/// A histogram: counts per bin, one step line per series over common bins.
///
/// It stores counts, not values, so that its size does not depend on the number of values.
///
/// ```swift
/// let plot = HistogramPlot(
///     "2148 objects", x: PlotAxis("volume (nm³)"), y: PlotAxis("objects"), edges: [0, 10, 20, 30],
///     series: [.init("membrane", counts: [3, 8, 1])])
/// ```
public struct HistogramPlot: Plot, Hashable {
    /// The counts of one series.
    public struct Series: Hashable, Sendable {
        /// The name in the legend.
        public var name: String
        /// One count for each bin.
        public var counts: [Double]

        public init(_ name: String, counts: [Double]) {
            self.name = name
            self.counts = counts
        }
    }

    public var title: String
    public var x: PlotAxis
    public var y: PlotAxis
    /// The edges of the bins, ascending: one more than the number of bins.
    public var edges: [Double]
    public var series: [Series]

    public init(_ title: String, x: PlotAxis, y: PlotAxis, edges: [Double], series: [Series]) {
        self.title = title
        self.x = x
        self.y = y
        self.edges = edges
        self.series = series
    }

    public var legend: [LegendEntry] {
        series.enumerated().map { LegendEntry(name: $1.name, color: PlotSeries.color($0)) }
    }

    /// The edges, and the counts together with zero: the y axis includes zero, because the height of a bar is read from zero.
    public var values: (x: [Double], y: [Double]) { (edges, [0] + series.flatMap(\.counts)) }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        for (index, series) in series.enumerated() {
            let color = PlotSeries.color(index)
            var outline: [VectorDrawing.Point] = []
            for (bin, count) in series.counts.enumerated() where bin + 1 < edges.count {
                // A logarithmic axis has no zero: an empty bin is drawn at the bottom of the frame.
                guard let left = frame.point(x: edges[bin], y: count) ?? frame.foot(x: edges[bin]),
                    let right = frame.point(x: edges[bin + 1], y: count) ?? frame.foot(x: edges[bin + 1])
                else { continue }
                let top = min(max(left.y, frame.y.lowerBound), frame.y.upperBound)
                outline += [.init(left.x, top), .init(right.x, top)]
            }
            guard let first = outline.first, let last = outline.last else { continue }
            outline =
                [.init(first.x, frame.y.upperBound)] + outline + [.init(last.x, frame.y.upperBound)]
            drawing.addArea(outline, color, opacity: self.series.count == 1 ? 0.5 : 0.12)
            drawing.addLine(outline, VectorDrawing.Stroke(color, width: 1.5))
        }
    }
}

/// A horizontal box plot of several groups: for each a box from the first to the third quartile with a line at the median,
/// whiskers at the 5th and the 95th percentile, and dots at the minimum and the maximum.
///
/// Boxes are horizontal, one below the other, so that long names can be read. Whiskers are percentiles, which do not depend on
/// the number of values; with Tukey's whiskers the number of outliers grows with it.
public struct BoxPlot: Plot, Hashable {
    /// The values behind one box.
    public struct Group: Hashable, Sendable {
        /// The name beside the box.
        public var name: String
        /// The number of values in the group; it is written after the name.
        public var count: Int
        /// The quantiles at ``fractions``, ascending: minimum, 5 %, 25 %, median, 75 %, 95 % and maximum. A group with another
        /// number of quantiles is not drawn.
        public var quantiles: [Double]

        /// The fractions of values below each quantile.
        public static let fractions = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]

        /// - Parameter quantiles: one quantile for each of ``fractions``.
        public init(_ name: String, count: Int, quantiles: [Double]) {
            self.name = name
            self.count = count
            self.quantiles = quantiles
        }
    }

    public var title: String
    public var x: PlotAxis
    /// The groups from top to bottom.
    public var groups: [Group]

    public init(_ title: String, x: PlotAxis, groups: [Group]) {
        self.title = title
        self.x = x
        self.groups = groups
    }

    /// A categorical axis with the groups' names and numbers of values; the first group is at the top.
    public var y: PlotAxis {
        PlotAxis("", categories: groups.reversed().map { "\($0.name) (\($0.count))" })
    }
    /// Empty: the names of the groups are beside the boxes.
    public var legend: [LegendEntry] { [] }
    public var values: (x: [Double], y: [Double]) { (groups.flatMap(\.quantiles), []) }

    /// A height of the plot in points that suits the number of groups: 26 for each, 200 … 4000 in all.
    public var suitableHeight: Double { min(max(120 + 26 * Double(groups.count), 200), 4000) }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        let color = PlotSeries.color(0)
        for (index, group) in groups.enumerated() where group.quantiles.count == Group.fractions.count {
            let position = Double(groups.count - index)
            let places = group.quantiles.map { frame.point(x: $0, y: position) }
            guard let middle = places.compactMap(\.self).first?.y else { continue }
            let row = (frame.y.upperBound - frame.y.lowerBound) / Double(max(groups.count, 1))
            let half = min(row * 0.32, 12)
            // Values that a logarithmic axis cannot show, and values outside its range, are drawn at the edge of the frame.
            let x = places.map { min(max($0?.x ?? frame.x.lowerBound, frame.x.lowerBound), frame.x.upperBound) }
            let line = VectorDrawing.Stroke(color, width: 1.25)
            for (from, to) in [(1, 2), (4, 5)] { drawing.addLine([.init(x[from], middle), .init(x[to], middle)], line) }
            for end in [1, 5] { drawing.addLine([.init(x[end], middle - half / 2), .init(x[end], middle + half / 2)], line) }
            drawing.addRectangle(x: x[2]...max(x[2], x[4]), y: middle - half...middle + half, color, opacity: 0.3)
            drawing.addLine(
                [
                    .init(x[2], middle - half), .init(x[4], middle - half), .init(x[4], middle + half),
                    .init(x[2], middle + half),
                    .init(x[2], middle - half),
                ], line)
            drawing.addLine([.init(x[3], middle - half), .init(x[3], middle + half)], VectorDrawing.Stroke(color, width: 2.5))
            for end in [0, 6] where places[end] != nil { drawing.addDisc(center: .init(x[end], middle), radius: 1.8, color) }
        }
    }
}
