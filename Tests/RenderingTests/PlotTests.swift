import Foundation
import Testing

@testable import Rendering

@Suite("Plots") struct PlotTests {
    private func plot(_ series: [PlotSeries], y: PlotAxis = PlotAxis("loss")) -> LinePlot {
        LinePlot("train-membrane", x: PlotAxis("epoch", isWhole: true), y: y, series: series)
    }

    private func loss(_ scale: Double = 1) -> [SIMD2<Double>] {
        (1...60).map { SIMD2(Double($0), scale * (0.1 + exp(-Double($0) / 12))) }
    }

    private func colors(_ drawing: VectorDrawing) throws -> Set<Color> {
        let picture = try drawing.picture()
        return Set((0..<picture.height).flatMap { y in (0..<picture.width).compactMap { picture[y: y, x: $0] } })
    }

    private func words(_ drawing: VectorDrawing) -> [String] {
        drawing.marks.compactMap { if case .text(let text, _, _, _, _, _) = $0 { text } else { nil } }
    }

    @Test("each series has a colour of its own, and its name beside it")
    func series() throws {
        let names = ["loss", "validation_loss", "a", "b", "c", "d", "e"]
        let plot = plot(names.enumerated().map { PlotSeries($1, loss(Double($0 + 1))) })
        let drawing = plot.drawing()
        #expect(Set(PlotSeries.palette).count == 7)
        #expect(try colors(drawing).isSuperset(of: PlotSeries.palette))
        let words = words(drawing)
        for name in names + ["train-membrane", "epoch", "10", "60"] { #expect(words.contains(name), "\(name) in \(words)") }
        // What is alone needs no legend.
        #expect(!self.words(self.plot([PlotSeries("alone", loss())]).drawing()).contains("alone"))
    }

    @Test("points lie where the axes say, and y goes upwards")
    func places() throws {
        let frame = PlotFrame(
            LinePlot("", x: PlotAxis("x", range: 0...10), y: PlotAxis("y", range: 0...1), series: []), x: 0...400, y: 0...300)
        let (low, high) = (try #require(frame.point(x: 0, y: 0)), try #require(frame.point(x: 10, y: 1)))
        #expect(low == VectorDrawing.Point(frame.x.lowerBound, frame.y.upperBound))
        #expect(high == VectorDrawing.Point(frame.x.upperBound, frame.y.lowerBound))
        #expect(frame.point(x: .nan, y: 0) == nil)
        #expect(frame.clipped(from: low - .init(50, 0), to: high + .init(50, 0)) != nil)
        #expect(frame.clipped(from: .init(0, 0), to: .init(399, 0)) == nil)
        #expect(frame.clipped(from: .init(0, 0), to: .init(0, 0)) == nil)
    }

    @Test("a value that is no number is a gap, and a point between gaps a dot")
    func gaps() {
        func lines(_ points: [SIMD2<Double>]) -> (lines: Int, dots: Int) {
            let marks = plot([PlotSeries("a", points)]).drawing().marks
            let color = PlotSeries.palette[0]
            return (
                marks.count { if case .line(_, let stroke) = $0 { stroke.color == color } else { false } },
                marks.count { if case .disc(_, _, color, _) = $0 { true } else { false } }
            )
        }
        let whole = (1...50).map { SIMD2(Double($0), Double($0 % 7)) }
        #expect(lines(whole) == (1, 0))
        var torn = whole
        torn[10].y = .nan
        torn[30].y = .infinity
        torn[32].x = .nan
        #expect(lines(torn) == (3, 1))
        #expect(lines([SIMD2(1, 5)]) == (0, 1))
        #expect(lines([SIMD2(1, 5), SIMD2(2, 5)]) == (1, 2))
        #expect(lines([SIMD2(1, .nan)]) == (0, 0))
        #expect(lines([]) == (0, 0))
    }

    @Test("what leaves the axes is cut at the frame")
    func clipping() {
        let points = (0...20).map { SIMD2(Double($0), $0.isMultiple(of: 2) ? -3.0 : 4.0) }
        let plot = plot([PlotSeries("a", points)], y: PlotAxis("Dice", range: 0...1))
        let frame = PlotFrame(plot, x: 0...480, y: 0...300)
        var drawing = VectorDrawing(width: 480, height: 300)
        plot.drawMarks(in: frame, on: &drawing)
        #expect(drawing.marks.count == 20)
        for case .line(let line, _) in drawing.marks { #expect(line.allSatisfy(frame.contains)) }
    }

    @Test(
        "plots that are too small, empty or have long words are drawn all the same",
        arguments: [(1.0, 1.0), (40, 30), (480, 300)])
    func sizes(width: Double, height: Double) throws {
        let long = String(repeating: "a very long name ", count: 20)
        for plot in [plot([]), plot([PlotSeries(long, loss()), PlotSeries("b", [])], y: PlotAxis(long))] {
            let picture = try plot.drawing(width: width, height: height).picture()
            #expect((picture.width, picture.height) == (Int(2 * width), Int(2 * height)))
        }
    }

    @Test("a sheet has a place for every plot")
    func sheet() {
        let plot = plot([PlotSeries("a", loss())])
        let sheet = PlotSheet(rows: [[plot, plot], [plot]], plotWidth: 200, plotHeight: 100)
        let drawing = sheet.drawing()
        #expect((drawing.width, drawing.height) == (400, 200))
        #expect(words(drawing).count { $0 == "train-membrane" } == 3)
        #expect(PlotSheet(rows: []).drawing().marks.isEmpty)
    }
}
