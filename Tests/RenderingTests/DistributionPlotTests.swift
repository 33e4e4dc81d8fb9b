import Foundation
import Testing

@testable import Rendering

@Suite("Histograms, boxes and scatter plots") struct DistributionPlotTests {
    private func words(_ drawing: VectorDrawing) -> [String] {
        drawing.marks.compactMap { if case .text(let text, _, _, _, _, _) = $0 { text } else { nil } }
    }

    private func marks(_ plot: some Plot) -> [VectorDrawing.Mark] {
        var drawing = VectorDrawing(width: 480, height: 300)
        plot.drawMarks(in: PlotFrame(plot, x: 0...480, y: 0...300), on: &drawing)
        return drawing.marks
    }

    @Test("a bin is as high as its count, and stands between its edges")
    func histogram() throws {
        let plot = HistogramPlot(
            "4 objects", x: PlotAxis("volume (nm³)"), y: PlotAxis("objects"), edges: [0, 10, 20],
            series: [.init("a", counts: [3, 1])])
        let frame = PlotFrame(plot, x: 0...480, y: 0...300)
        let marks = marks(plot)
        #expect(marks.count == 2)
        guard case .area(let corners, let color, _) = marks[0] else {
            Issue.record("no area")
            return
        }
        #expect(color == PlotSeries.palette[0])
        let expected = try [(0, 0), (0, 3), (10, 3), (10, 1), (20, 1), (20, 0)].map {
            try #require(frame.point(x: $0.0, y: $0.1))
        }
        #expect(corners.count == expected.count)
        for (corner, place) in zip(corners, expected) { #expect((corner - place).length < 1e-9, "\(corner) \(place)") }
        // What is alone needs no legend; counts begin at nothing.
        #expect(!words(plot.drawing()).contains("a"))
        #expect(words(plot.drawing()).contains("0"))
    }

    @Test("the area of a histogram on a logarithmic axis ends where its edges lie, and empty bins have no height")
    func logarithmicHistogram() {
        let plot = HistogramPlot(
            "", x: PlotAxis("x", scale: .logarithmic), y: PlotAxis("n"), edges: [1, 10, 100, 1000],
            series: [.init("a", counts: [5, 0, 5]), .init("b", counts: [1, 2, 3])])
        let frame = PlotFrame(plot, x: 0...480, y: 0...300)
        guard case .area(let corners, _, let opacity)? = marks(plot).first else {
            Issue.record("no area")
            return
        }
        #expect(opacity < 0.2)
        #expect(corners.allSatisfy(frame.contains))
        #expect(corners.filter { abs($0.y - frame.y.upperBound) < 1e-9 }.count == 4)
        let words = words(plot.drawing())
        for word in ["a", "b", "1", "10", "100", "1000"] { #expect(words.contains(word)) }
    }

    @Test("a box goes from quartile to quartile, its line is the median, and groups stand in order from above")
    func boxes() throws {
        let plot = BoxPlot(
            "", x: PlotAxis("Dice", range: 0...1),
            groups: [
                .init("first", count: 9, quantiles: [0, 0.1, 0.2, 0.5, 0.7, 0.9, 1]), .init("second", count: 1, quantiles: []),
            ])
        #expect(plot.groups[0].quantiles.count == BoxPlot.Group.fractions.count)
        let frame = PlotFrame(plot, x: 0...480, y: 0...300)
        let marks = marks(plot)
        guard case .area(let corners, _, _)? = marks.first(where: { if case .area = $0 { true } else { false } }) else {
            Issue.record("no box")
            return
        }
        let (left, right) = (try #require(frame.point(x: 0.2, y: 2)), try #require(frame.point(x: 0.7, y: 2)))
        #expect(corners.map(\.x).min() == left.x && corners.map(\.x).max() == right.x)
        #expect(abs(corners.map(\.y).reduce(0, +) / 4 - left.y) < 1e-9)
        #expect(left.y < (frame.y.lowerBound + frame.y.upperBound) / 2)
        let discs = marks.compactMap { if case .disc(let center, _, _, _) = $0 { center.x } else { nil } }
        #expect(discs == [frame.x.lowerBound, frame.x.upperBound])
        // What has no quantiles has a name and no box.
        #expect(marks.count { if case .area = $0 { true } else { false } } == 1)
        let words = words(plot.drawing(width: 640, height: plot.suitableHeight))
        #expect(words.contains("first (9)") && words.contains("second (1)"))
    }

    @Test("a name beside an axis is shortened where it is too long, and a long title stays in the picture")
    func names() throws {
        let long = String(repeating: "tomogram ", count: 40)
        let plot = BoxPlot(
            "a title that is longer than the axis", x: PlotAxis("x"),
            groups: [.init(long, count: 1, quantiles: [1, 1, 1, 1, 1, 1, 1])])
        let drawing = plot.drawing(width: 320, height: 150)
        #expect(words(drawing).contains { $0.contains("…") && VectorDrawing.widthOfText($0) <= 200 })
        for case .text(let text, let place, _, let size, .start, _) in drawing.marks {
            #expect(place.x + VectorDrawing.widthOfText(text, size: size) <= 320, "\(text)")
        }
    }

    @Test("each pair of values is a dot at its place; what is no number, or lies outside, is none")
    func scatter() throws {
        let plot = ScatterPlot(
            "", x: PlotAxis("x", range: 0...1), y: PlotAxis("y", range: 0...1),
            series: [
                PlotSeries("a", [SIMD2(0.25, 0.5), SIMD2(.nan, 0), SIMD2(2, 0)]), PlotSeries("b", [SIMD2(1, 1)]),
            ])
        let frame = PlotFrame(plot, x: 0...480, y: 0...300)
        let discs = marks(plot).compactMap { mark -> (VectorDrawing.Point, Color)? in
            if case .disc(let center, _, let color, _) = mark { (center, color) } else { nil }
        }
        #expect(discs.count == 2)
        #expect(try discs[0].0 == #require(frame.point(x: 0.25, y: 0.5)))
        #expect(discs.map(\.1) == Array(PlotSeries.palette.prefix(2)))
        #expect(words(plot.drawing()).contains("b"))
    }

    @Test("a series without a name is drawn and stands in no legend")
    func nameless() {
        let plot = LinePlot(
            "", x: PlotAxis("recall"), y: PlotAxis("precision"),
            series: [PlotSeries("", [SIMD2(0, 1), SIMD2(1, 0)]), PlotSeries("a", [SIMD2(0, 1)]), PlotSeries("b", [SIMD2(0, 1)])])
        #expect(plot.legend.map(\.name) == ["a", "b"])
        #expect(marks(plot).contains { if case .line = $0 { true } else { false } })
    }

    @Test("plots of nothing, and of values that are all one, are drawn", arguments: [(1.0, 1.0), (480, 300)])
    func empty(width: Double, height: Double) throws {
        let axis = PlotAxis("x", scale: .logarithmic)
        let plots: [any Plot] = [
            HistogramPlot("", x: axis, y: axis, edges: [], series: []),
            HistogramPlot("", x: axis, y: axis, edges: [1, 2], series: [.init("a", counts: [0])]),
            HistogramPlot("", x: axis, y: axis, edges: [1], series: [.init("a", counts: [1, 2, 3])]),
            BoxPlot("", x: axis, groups: []),
            BoxPlot("", x: axis, groups: [.init("", count: 0, quantiles: [0, 0, 0, 0, 0, 0, 0])]),
            ScatterPlot("", x: axis, y: axis, series: [PlotSeries("", [SIMD2(0, 0)])]),
        ]
        for plot in plots {
            let picture = try plot.drawing(width: width, height: height).picture()
            #expect(picture.width == Int(2 * width))
        }
    }
}
