/// A plot with two axes. The extension draws axes, grid, title and legend; a conforming type draws only its marks.
public protocol Plot: Sendable {
    /// The title above the plot; an empty one takes no space.
    var title: String { get }
    /// The horizontal axis.
    var x: PlotAxis { get }
    /// The vertical axis.
    var y: PlotAxis { get }
    /// The legend above the axes; it is drawn only where it has two or more entries.
    var legend: [LegendEntry] { get }
    /// The values from which an axis without a given range takes its range.
    var values: (x: [Double], y: [Double]) { get }

    /// Draws the lines, dots, bars or boxes of the plot.
    ///
    /// - Parameters:
    ///   - frame: the rectangle between the axes; it converts values to points of the drawing.
    func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing)
}

extension Plot {
    /// Draws the plot with its axes, title and legend into a rectangle of a drawing.
    public func draw(on drawing: inout VectorDrawing, x: ClosedRange<Double>, y: ClosedRange<Double>) {
        let frame = PlotFrame(self, x: x, y: y)
        frame.drawAxes(on: &drawing)
        drawMarks(in: frame, on: &drawing)
    }

    /// A drawing that holds only this plot; width and height are in points.
    public func drawing(width: Double = 480, height: Double = 300) -> VectorDrawing {
        PlotSheet(rows: [[self]], plotWidth: width, plotHeight: height).drawing()
    }
}

/// Plots in a grid, all of the same size.
public struct PlotSheet: Sendable {
    /// The plots from top to bottom; in a row from left to right.
    public var rows: [[any Plot]]
    /// The width of each plot with its axes, in points.
    public var plotWidth: Double
    /// The height of each plot with its axes, in points.
    public var plotHeight: Double

    public init(rows: [[any Plot]], plotWidth: Double = 400, plotHeight: Double = 270) {
        self.rows = rows
        self.plotWidth = plotWidth
        self.plotHeight = plotHeight
    }

    /// One drawing with all plots.
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

/// The rectangle between the axes of a plot, and the mapping of values to points in it.
public struct PlotFrame: Sendable {
    /// The horizontal extent of the rectangle, in points of the drawing.
    public let x: ClosedRange<Double>
    /// The vertical extent of the rectangle, in points of the drawing; y grows downwards.
    public let y: ClosedRange<Double>

    private let title: String
    private let legend: [[(entry: LegendEntry, offset: Double)]]
    private let axes: (x: ResolvedAxis, y: ResolvedAxis)
    private let ticks: (x: AxisTicks, y: AxisTicks)
    /// The rectangle of the whole plot: frame, labels, title and legend.
    private let outer: (x: ClosedRange<Double>, y: ClosedRange<Double>)

    private enum Look {
        static let axis = Color(red: 0x33, green: 0x38, blue: 0x40)
        static let text = Color(red: 0x33, green: 0x38, blue: 0x40)
        static let grid = Color(red: 0xE3, green: 0xE6, blue: 0xEA)
        static let titleSize = 1.5
        /// The space between neighbouring elements, in points.
        static let gap = 6.0
        static let tick = 4.0
        static let capital = Double(BitmapFont.ascent)
        static let line = Double(BitmapFont.height) + 5
        static let swatch = 14.0
    }

    /// Lays out a plot in a rectangle of a drawing: the frame is what title, legend, tick labels and axis labels leave.
    init(_ plot: any Plot, x outerX: ClosedRange<Double>, y outerY: ClosedRange<Double>) {
        let values = plot.values
        axes = (ResolvedAxis(plot.x, showing: values.x), ResolvedAxis(plot.y, showing: values.y))
        title = plot.title
        outer = (outerX, outerY)
        let width = outerX.upperBound - outerX.lowerBound
        legend =
            plot.legend.count < 2
            ? []
            : LegendEntry.lines(
                of: plot.legend, width: width * 0.85, lead: Look.swatch + Look.gap, gap: 2 * Look.gap
            ) { VectorDrawing.widthOfText($0) }
        let top =
            outerY.lowerBound + 2 * Look.gap + (title.isEmpty ? 0 : Look.capital * Look.titleSize + 2 * Look.gap)
            + Double(legend.count) * Look.line
        let label = Look.capital + 2 * Look.gap
        let bottom =
            outerY.upperBound - Look.gap - Look.tick - Look.capital - Look.gap - (axes.x.label.isEmpty ? 0 : label)
        y = top...max(top + 1, bottom)
        let yTicks = axes.y.ticks(count: max(2, Int((y.upperBound - y.lowerBound) / 26)))
        let widest = yTicks.labels.map { VectorDrawing.widthOfText($0) }.max() ?? 0
        let left =
            outerX.lowerBound + Look.gap + (axes.y.label.isEmpty ? 0 : label) + widest + Look.gap + Look.tick
        x = left...max(left + 1, outerX.upperBound - 3 * Look.gap)
        ticks = (axes.x.ticks(count: max(2, Int((x.upperBound - x.lowerBound) / 44))), yTicks)
    }

    /// The point of the drawing for a pair of values; it may lie outside the frame. Nil where an axis cannot show a value: NaN,
    /// infinity, or a value that is not positive on a logarithmic axis.
    public func point(x valueX: Double, y valueY: Double) -> VectorDrawing.Point? {
        guard let right = axes.x.place(valueX), let up = axes.y.place(valueY) else { return nil }
        return VectorDrawing.Point(
            x.lowerBound + right * (x.upperBound - x.lowerBound), y.upperBound - up * (y.upperBound - y.lowerBound))
    }

    /// The point on the x axis (the lower edge of the frame) at a value of x; nil where the axis cannot show the value.
    func foot(x value: Double) -> VectorDrawing.Point? { point(x: value, y: axes.y.range.lowerBound) }

    /// Whether a point of the drawing lies in the frame, edges included.
    public func contains(_ point: VectorDrawing.Point) -> Bool {
        let slack = 1e-6
        return point.x >= x.lowerBound - slack && point.x <= x.upperBound + slack && point.y >= y.lowerBound - slack
            && point.y <= y.upperBound + slack
    }

    /// The part of a line segment that lies in the frame (Liang and Barsky, 1984); nil where no part does.
    func clipped(
        from start: VectorDrawing.Point, to end: VectorDrawing.Point
    ) -> (start: VectorDrawing.Point, end: VectorDrawing.Point)? {
        let direction = end - start
        var (enter, leave) = (0.0, 1.0)
        for (step, before, after) in [
            (direction.x, x.lowerBound - start.x, x.upperBound - start.x),
            (direction.y, y.lowerBound - start.y, y.upperBound - start.y),
        ] {
            if step == 0 {
                guard before <= 0, after >= 0 else { return nil }
            } else {
                enter = max(enter, min(before / step, after / step))
                leave = min(leave, max(before / step, after / step))
            }
        }
        guard enter <= leave else { return nil }
        return (start + direction * enter, start + direction * leave)
    }

    // MARK: Drawing

    /// Draws the grid, the axes with their ticks, the title and the legend.
    func drawAxes(on drawing: inout VectorDrawing) {
        let (grid, axis) = (VectorDrawing.Stroke(Look.grid), VectorDrawing.Stroke(Look.axis))
        for value in ticks.x.values {
            guard let place = point(x: value, y: axes.y.range.lowerBound)?.x else { continue }
            drawing.addLine([.init(place, y.lowerBound), .init(place, y.upperBound)], grid)
        }
        for value in ticks.y.values {
            guard let place = point(x: axes.x.range.lowerBound, y: value)?.y else { continue }
            drawing.addLine([.init(x.lowerBound, place), .init(x.upperBound, place)], grid)
        }
        for (value, label) in zip(ticks.x.values, ticks.x.labels) {
            guard let place = point(x: value, y: axes.y.range.lowerBound) else { continue }
            drawing.addLine([place, place + .init(0, Look.tick)], axis)
            drawing.addText(
                label, at: place + .init(0, Look.tick + Look.gap + Look.capital), Look.text, anchor: .middle)
        }
        for (value, label) in zip(ticks.y.values, ticks.y.labels) {
            guard let place = point(x: axes.x.range.lowerBound, y: value) else { continue }
            drawing.addLine([place, place - .init(Look.tick, 0)], axis)
            drawing.addText(
                label, at: place + .init(-Look.tick - Look.gap, Look.capital / 2), Look.text, anchor: .end)
        }
        drawing.addLine(
            [.init(x.lowerBound, y.lowerBound), .init(x.lowerBound, y.upperBound), .init(x.upperBound, y.upperBound)], axis)
        drawWords(on: &drawing)
    }

    /// Draws the labels of the axes, the title and the legend.
    private func drawWords(on drawing: inout VectorDrawing) {
        let middle = (x: (x.lowerBound + x.upperBound) / 2, y: (y.lowerBound + y.upperBound) / 2)
        drawing.addText(
            axes.x.label, at: .init(middle.x, outer.y.upperBound - 1.5 * Look.gap), Look.text, anchor: .middle)
        drawing.addText(
            axes.y.label, at: .init(outer.x.lowerBound + Look.gap + Look.capital, middle.y), Look.text, anchor: .middle,
            isUpright: true)
        var line = outer.y.lowerBound + 2 * Look.gap
        if !title.isEmpty {
            line += Look.capital * Look.titleSize
            // A title that is too long to begin at the y axis begins farther to the left.
            let room = outer.x.upperBound - Look.gap - VectorDrawing.widthOfText(title, size: Look.titleSize)
            let left = max(min(x.lowerBound, room), outer.x.lowerBound + Look.gap)
            drawing.addText(title, at: .init(left, line), Look.text, size: Look.titleSize)
            line += Look.gap
        }
        for entries in legend {
            line += Look.line
            for (entry, offset) in entries {
                let left = x.lowerBound + offset
                let height = line - Look.capital / 2
                drawing.addLine(
                    [.init(left, height), .init(left + Look.swatch, height)], VectorDrawing.Stroke(entry.color, width: 3))
                drawing.addText(entry.name, at: .init(left + Look.swatch + Look.gap, line), Look.text)
            }
        }
    }
}
