/// How often values fall into bins, a step line for each series over the same bins.
///
/// It holds counts and not values, so that any number of these can be drawn.
///
/// ```swift
/// let plot = HistogramPlot(
///     "2148 objects", x: PlotAxis("volume (nm³)"), y: PlotAxis("objects"), edges: [0, 10, 20, 30],
///     series: [.init("membrane", counts: [3, 8, 1])])
/// ```
public struct HistogramPlot: Plot, Hashable {
    /// The counts of one kind of values.
    public struct Series: Hashable, Sendable {
        public var name: String
        /// One for each bin.
        public var counts: [Double]

        public init(_ name: String, counts: [Double]) {
            self.name = name
            self.counts = counts
        }
    }

    public var title: String
    public var x: PlotAxis
    public var y: PlotAxis
    /// The bounds of the bins, ascending: one more than there are bins.
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

    /// Heights are compared with nothing.
    public var values: (x: [Double], y: [Double]) { (edges, [0] + series.flatMap(\.counts)) }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        for (index, series) in series.enumerated() {
            let color = PlotSeries.color(index)
            var outline: [VectorDrawing.Point] = []
            for (bin, count) in series.counts.enumerated() where bin + 1 < edges.count {
                // On a logarithmic axis of counts nothing is at its foot.
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
