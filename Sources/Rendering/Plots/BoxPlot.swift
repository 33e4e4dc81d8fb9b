/// Values of several groups side by side: for each a box from the first quartile to the third with the median in it, whiskers from
/// the 5th percentile to the 95th, and dots at the least and the greatest value.
///
/// Boxes lie, one below the other, so that names of any length can be read. Whiskers are percentiles, which the number of values
/// does not move, where Tukey's leave ever more of them outside.
public struct BoxPlot: Plot, Hashable {
    /// One box.
    public struct Group: Hashable, Sendable {
        public var name: String
        /// How many values it is of.
        public var count: Int
        /// Least, 5 %, 25 %, median, 75 %, 95 % and greatest: ascending.
        public var quantiles: [Double]

        /// Of which parts of the values the quantiles are.
        public static let fractions = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]

        /// - Parameter quantiles: one for each of ``fractions``.
        public init(_ name: String, count: Int, quantiles: [Double]) {
            self.name = name
            self.count = count
            self.quantiles = quantiles
        }
    }

    public var title: String
    public var x: PlotAxis
    /// From above to below.
    public var groups: [Group]

    public init(_ title: String, x: PlotAxis, groups: [Group]) {
        self.title = title
        self.x = x
        self.groups = groups
    }

    public var y: PlotAxis {
        PlotAxis("", categories: groups.reversed().map { "\($0.name) (\($0.count))" })
    }
    public var legend: [LegendEntry] { [] }
    public var values: (x: [Double], y: [Double]) { (groups.flatMap(\.quantiles), []) }

    /// A height at which boxes are neither thin nor thick.
    public var suitableHeight: Double { min(max(120 + 26 * Double(groups.count), 200), 4000) }

    public func drawMarks(in frame: PlotFrame, on drawing: inout VectorDrawing) {
        let color = PlotSeries.color(0)
        for (index, group) in groups.enumerated() where group.quantiles.count == Group.fractions.count {
            let position = Double(groups.count - index)
            let places = group.quantiles.map { frame.point(x: $0, y: position) }
            guard let middle = places.compactMap(\.self).first?.y else { continue }
            let row = (frame.y.upperBound - frame.y.lowerBound) / Double(max(groups.count, 1))
            let half = min(row * 0.32, 12)
            // What a logarithmic axis cannot show lies before its beginning.
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
