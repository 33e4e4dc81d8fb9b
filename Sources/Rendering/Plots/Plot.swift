/// Something that is drawn between two axes. What a kind of plot adds to axes, grid, title and legend is its marks.
public protocol Plot: Sendable {
    var title: String { get }
    var x: PlotAxis { get }
    var y: PlotAxis { get }
    /// What stands above the axes; nothing where there are less than two entries.
    var legend: [LegendEntry] { get }
    /// The values that the axes are to show, where they are not told their ends.
    var values: (x: [Double], y: [Double]) { get }

    /// Draws between the axes.
    func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing)
}

extension Plot {
    /// Draws the plot with its axes and its title into a rectangle of a drawing.
    public func draw(on drawing: inout VectorDrawing, x: ClosedRange<Double>, y: ClosedRange<Double>) {
        let frame = PlotFrame(self, x: x, y: y)
        frame.drawAxes(on: &drawing)
        drawMarks(in: frame, on: &drawing)
    }

    /// The plot as a drawing of its own, in points.
    public func drawing(width: Double = 480, height: Double = 300) -> VectorDrawing {
        PlotSheet(rows: [[self]], plotWidth: width, plotHeight: height).drawing()
    }
}
