/// Lines through points, one for each series: losses by epoch, precision by recall.
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
    /// The width of lines, in points.
    public var lineWidth = 1.75

    public init(_ title: String, x: PlotAxis, y: PlotAxis, series: [PlotSeries]) {
        self.title = title
        self.x = x
        self.y = y
        self.series = series
    }

    /// Without series that have no name.
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
            // Dots show where the values are while there are few, and what no line would show.
            let isSparse = places.count <= 40
            for (position, place) in places.enumerated() {
                guard let place, frame.contains(place) else { continue }
                let isAlone = [position - 1, position + 1].allSatisfy { !places.indices.contains($0) || places[$0] == nil }
                if isSparse || isAlone { drawing.addDisc(center: place, radius: lineWidth * 1.3, stroke.color) }
            }
        }
    }

    /// The points between gaps, two or more together.
    private static func runs(_ places: [VectorDrawing.Point?]) -> [[VectorDrawing.Point]] {
        places.split(separator: nil).map { $0.compactMap(\.self) }.filter { $0.count > 1 }
    }

    /// What of a line lies in a frame: one line, where all of it does.
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
