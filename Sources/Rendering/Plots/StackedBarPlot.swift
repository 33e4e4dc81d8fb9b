/// Horizontal bars, one for each group, each divided by what it is made of: the kinds of particles in each dataset.
///
/// All bars are equally long, so that groups of any size can be compared; the number of objects is written after the name.
public struct StackedBarPlot: Plot, Hashable {
    /// A bar.
    public struct Bar: Hashable, Sendable {
        /// The name beside it.
        public var name: String
        /// How many there are of each part, in the order of ``StackedBarPlot/parts``.
        public var counts: [Int]

        public init(_ name: String, counts: [Int]) {
            self.name = name
            self.counts = counts
        }
    }

    public var title: String
    /// The label of the axis along the bars, 0 to 1.
    public var label: String
    /// The names of the parts, from left to right.
    public var parts: [String]
    /// The bars from top to bottom.
    public var bars: [Bar]

    public init(_ title: String, label: String, parts: [String], bars: [Bar]) {
        self.title = title
        self.label = label
        self.parts = parts
        self.bars = bars
    }

    public var x: PlotAxis { PlotAxis(label, range: 0...1) }
    /// A categorical axis with the bars' names and numbers; the first bar is at the top.
    public var y: PlotAxis {
        PlotAxis("", categories: bars.reversed().map { "\($0.name) (\($0.counts.reduce(0, +)))" })
    }
    public var legend: [LegendEntry] { parts.enumerated().map { LegendEntry(name: $1, color: PlotSeries.color($0)) } }
    public var values: (x: [Double], y: [Double]) { ([0, 1], []) }

    /// A height of the plot in points that suits the number of bars: 26 for each, 200 … 4000 in all.
    public var suitableHeight: Double { min(max(130 + 26 * Double(bars.count), 200), 4000) }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        let row = (frame.y.upperBound - frame.y.lowerBound) / Double(max(bars.count, 1))
        let half = min(row * 0.36, 12)
        for (index, bar) in bars.enumerated() {
            let total = bar.counts.reduce(0, +)
            var before = 0
            for (part, count) in bar.counts.enumerated() where count > 0 {
                let position = Double(bars.count - index)
                let (from, to) = (Double(before) / Double(total), Double(before + count) / Double(total))
                before += count
                guard let left = frame.point(x: from, y: position), let right = frame.point(x: to, y: position) else { continue }
                drawing.addRectangle(
                    x: left.x...right.x, y: left.y - half...left.y + half, PlotSeries.color(part), opacity: 0.8)
            }
        }
    }
}
