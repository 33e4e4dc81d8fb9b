/// Pairs of values as dots, a colour for each series.
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
        // Of many dots each is smaller and paler, so that one sees where they crowd.
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
