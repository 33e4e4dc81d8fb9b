/// A named series of points (x, y), in the order in which a line connects them.
public struct PlotSeries: Hashable, Sendable {
    /// The name in the legend.
    public var name: String
    /// The points. Where x or y is not finite, or an axis cannot show it, the line has a gap.
    public var points: [SIMD2<Double>]
    /// The colour; nil for the colour of the palette at the series' index.
    public var color: Color?

    public init(_ name: String, _ points: [SIMD2<Double>], color: Color? = nil) {
        self.name = name
        self.points = points
        self.color = color
    }

    /// The colour of the series at an index; after the last colour of the palette they repeat.
    static func color(_ index: Int) -> Color { palette[index % palette.count] }

    /// Seven colours that people with any colour vision can distinguish on white.
    ///
    /// Source: M. Okabe and K. Ito, *Color Universal Design* (2008); grey instead of black, no yellow (pale on white).
    public static let palette = [
        Color(red: 0x00, green: 0x72, blue: 0xB2),  // blue
        Color(red: 0xD5, green: 0x5E, blue: 0x00),  // vermilion
        Color(red: 0x00, green: 0x9E, blue: 0x73),  // bluish green
        Color(red: 0xCC, green: 0x79, blue: 0xA7),  // reddish purple
        Color(red: 0xE6, green: 0x9F, blue: 0x00),  // orange
        Color(red: 0x56, green: 0xB4, blue: 0xE9),  // sky blue
        Color(red: 0x55, green: 0x5B, blue: 0x66),  // grey
    ]
}

/// A line plot with one line per series: loss against epoch, precision against recall.
///
/// ```swift
/// let plot = LinePlot(
///     "train-membrane", x: PlotAxis("epoch", isWhole: true), y: PlotAxis("loss", scale: .automatic),
///     series: [PlotSeries("loss", points), PlotSeries("validation_loss", others)])
/// try DrawingFile.write(plot.drawing(), to: output)
/// ```
public struct LinePlot: Plot, Hashable {
    public var title: String
    public var x: PlotAxis
    public var y: PlotAxis
    public var series: [PlotSeries]
    /// The width of the lines, in points.
    public var lineWidth = 1.75

    public init(_ title: String, x: PlotAxis, y: PlotAxis, series: [PlotSeries]) {
        self.title = title
        self.x = x
        self.y = y
        self.series = series
    }

    /// One entry per series; series with an empty name have none.
    public var legend: [LegendEntry] {
        series.indices.filter { !series[$0].name.isEmpty }.map { LegendEntry(name: series[$0].name, color: color($0)) }
    }

    public var values: (x: [Double], y: [Double]) {
        let points = series.flatMap(\.points).filter(\.isFinite)
        return (points.map(\.x), points.map(\.y))
    }

    private func color(_ index: Int) -> Color {
        series[index].color ?? PlotSeries.color(index)
    }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        for index in series.indices {
            let stroke = VectorDrawing.Stroke(color(index), width: lineWidth)
            let places = series[index].points.map { $0.isFinite ? frame.point(x: $0.x, y: $0.y) : nil }
            for run in Self.runs(places) {
                for line in Self.clipped(run, to: frame) { drawing.addLine(line, stroke) }
            }
            // Dots mark the values where there are 40 or fewer, and any value between two gaps, which no line would show.
            let isSparse = places.count <= 40
            for (position, place) in places.enumerated() {
                guard let place, frame.contains(place) else { continue }
                let isAlone = [position - 1, position + 1].allSatisfy { !places.indices.contains($0) || places[$0] == nil }
                if isSparse || isAlone { drawing.addDisc(center: place, radius: lineWidth * 1.3, stroke.color) }
            }
        }
    }

    /// The runs of two or more consecutive points without a gap.
    private static func runs(_ places: [VectorDrawing.Point?]) -> [[VectorDrawing.Point]] {
        places.split(separator: nil).map { $0.compactMap(\.self) }.filter { $0.count > 1 }
    }

    /// The parts of a polyline that lie in a frame; a single part where all of it does.
    private static func clipped(_ points: [VectorDrawing.Point], to frame: PlotFrame) -> [[VectorDrawing.Point]] {
        var lines: [[VectorDrawing.Point]] = []
        for (start, end) in zip(points, points.dropFirst()) {
            guard let part = frame.clipped(from: start, to: end) else { continue }
            if lines.last?.last == part.start {
                lines[lines.count - 1].append(part.end)
            } else {
                lines.append([part.start, part.end])
            }
        }
        return lines
    }
}

/// A scatter plot: a dot for each point, one colour per series.
public struct ScatterPlot: Plot, Hashable {
    public var title: String
    public var x: PlotAxis
    public var y: PlotAxis
    public var series: [PlotSeries]

    public init(_ title: String, x: PlotAxis, y: PlotAxis, series: [PlotSeries]) {
        self.title = title
        self.x = x
        self.y = y
        self.series = series
    }

    public var legend: [LegendEntry] { series.enumerated().map { LegendEntry(name: $1.name, color: color($0)) } }

    public var values: (x: [Double], y: [Double]) {
        let points = series.flatMap(\.points).filter(\.isFinite)
        return (points.map(\.x), points.map(\.y))
    }

    private func color(_ index: Int) -> Color { series[index].color ?? PlotSeries.color(index) }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        // With many dots each is smaller and paler, so that dense regions stand out.
        let count = Double(series.reduce(0) { $0 + $1.points.count })
        let radius = count > 2000 ? 1 : count > 200 ? 1.6 : 2.6
        let opacity = count > 2000 ? 0.35 : count > 200 ? 0.55 : 0.75
        for (index, series) in series.enumerated() {
            for point in series.points where point.isFinite {
                guard let place = frame.point(x: point.x, y: point.y), frame.contains(place) else { continue }
                drawing.addDisc(center: place, radius: radius, color(index), opacity: opacity)
            }
        }
    }
}
