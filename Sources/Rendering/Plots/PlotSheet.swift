/// Plots side by side and in rows, all of one size.
public struct PlotSheet: Sendable {
    public var rows: [[any Plot]]
    /// The size of each plot with its axes, in points.
    public var plotWidth: Double
    public var plotHeight: Double

    public init(rows: [[any Plot]], plotWidth: Double = 400, plotHeight: Double = 270) {
        self.rows = rows
        self.plotWidth = plotWidth
        self.plotHeight = plotHeight
    }

    /// All plots on one drawing.
    public func drawing() -> VectorDrawing {
        let columns = rows.map(\.count).max() ?? 0
        var drawing = VectorDrawing(width: plotWidth * Double(columns), height: plotHeight * Double(rows.count))
        for (row, plots) in rows.enumerated() {
            for (column, plot) in plots.enumerated() {
                let (left, top) = (plotWidth * Double(column), plotHeight * Double(row))
                plot.draw(on: &drawing, x: left...left + plotWidth, y: top...top + plotHeight)
            }
        }
        return drawing
    }
}
