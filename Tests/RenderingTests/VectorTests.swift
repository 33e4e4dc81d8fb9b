import Foundation
import TestSupport
import Testing

@testable import Rendering

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite("Vector drawings") struct VectorTests {
    private let red = Color(red: 255, green: 0, blue: 0)

    /// Each pixel's darkness, 0 white to 255 black, of a drawing in black.
    private func darkness(_ drawing: VectorDrawing, scale: Double = 1) throws -> [[Int]] {
        let picture = try drawing.picture(scale: scale)
        return (0..<picture.height).map { y in
            (0..<picture.width).map { x in 255 - Int(picture[y: y, x: x]?.green ?? 0) }
        }
    }

    @Test("a straight line covers whole pixels where it fills them, and halves where it half fills them")
    func lines() throws {
        var drawing = VectorDrawing(width: 9, height: 5)
        drawing.addLine([.init(2, 2.5), .init(7, 2.5)], .init(.black))
        let pixels = try darkness(drawing)
        #expect(pixels[2][3...5].allSatisfy { $0 == 255 })
        #expect(pixels[1][4] == 0 && pixels[3][4] == 0)
        var between = VectorDrawing(width: 9, height: 5)
        between.addLine([.init(2, 2), .init(7, 2)], .init(.black))
        let halves = try darkness(between)
        #expect(abs(halves[1][4] - 128) <= 1 && abs(halves[2][4] - 128) <= 1 && halves[3][4] == 0)
    }

    @Test("the ink of a line is its length times its width, whatever its direction", arguments: [0.0, 0.3, 0.8, 1.2, 2.9])
    func ink(angle: Double) throws {
        var drawing = VectorDrawing(width: 60, height: 60)
        let direction = SIMD2(cos(angle), sin(angle)) * 20
        drawing.addLine([.init(30, 30) - direction, .init(30, 30) + direction], .init(.black, width: 2))
        let ink = Double(try darkness(drawing).joined().reduce(0, +)) / 255
        // Round ends are a disc of the line's width.
        #expect(abs(ink - (80 + .pi)) < 3, "\(ink)")
    }

    @Test("areas have the area of their polygon, discs and circles that of theirs")
    func areas() throws {
        func ink(_ draw: (inout VectorDrawing) -> Void) throws -> Double {
            var drawing = VectorDrawing(width: 40, height: 40)
            draw(&drawing)
            return Double(try darkness(drawing).joined().reduce(0, +)) / 255
        }
        #expect(try abs(ink { $0.addArea([.init(3, 4), .init(33, 7), .init(12, 30)], .black) } - 376.5) < 3)
        #expect(try abs(ink { $0.addRectangle(x: 2.5...10.25, y: 3...8, .black) } - 38.75) < 0.2)
        #expect(try abs(ink { $0.addDisc(center: .init(20, 20), radius: 10, .black) } - 314.2) < 2)
        #expect(try abs(ink { $0.addCircle(center: .init(20, 20), radius: 10, .init(.black, width: 3)) } - 188.5) < 2)
        #expect(try abs(ink { $0.addRectangle(x: 0...10, y: 0...10, .black, opacity: 0.5) } - 50) < 0.5)
    }

    @Test("what lies outside or is no number is not drawn, and no error")
    func clipping() throws {
        var drawing = VectorDrawing(width: 8, height: 8)
        drawing.addLine([.init(-1e9, -1e9), .init(-1e9, 1e9)], .init(.black))
        drawing.addLine([.init(.nan, 1), .init(2, 2)], .init(.black))
        drawing.addLine([], .init(.black))
        drawing.addLine([.init(1, 1), .init(2, 2)], .init(.black, width: .nan))
        drawing.addDisc(center: .init(1e300, 0), radius: 3, .black)
        drawing.addDisc(center: .init(1, 1), radius: -2, .black)
        drawing.addArea([.init(1e200, 0), .init(1e200, 1), .init(2e200, 1)], .black)
        drawing.addText("far", at: .init(-1e12, 1e12), .black)
        #expect(try darkness(drawing).joined().allSatisfy { $0 == 0 })
        #expect(throws: RenderingError.self) { try VectorDrawing(width: 0, height: 8).picture() }
        #expect(throws: RenderingError.self) { try VectorDrawing(width: 1e9, height: 8).picture() }
        #expect(throws: RenderingError.self) { try VectorDrawing(width: .nan, height: 8).picture() }
    }

    @Test("text stands where it is anchored, also upright")
    func text() throws {
        func box(_ draw: (inout VectorDrawing) -> Void) throws -> (x: ClosedRange<Int>, y: ClosedRange<Int>) {
            var drawing = VectorDrawing(width: 60, height: 60)
            draw(&drawing)
            let pixels = try darkness(drawing)
            let rows = pixels.indices.filter { pixels[$0].contains { $0 > 0 } }
            let columns = pixels[0].indices.filter { column in pixels.contains { $0[column] > 0 } }
            return (
                try #require(columns.first)...(try #require(columns.last)), try #require(rows.first)...(try #require(rows.last))
            )
        }
        #expect(try box { $0.addText("H", at: .init(30, 30), .black) } == (30...34, 23...29))
        #expect(try box { $0.addText("H", at: .init(30, 30), .black, anchor: .end) } == (25...29, 23...29))
        #expect(try box { $0.addText("H", at: .init(30, 30), .black, anchor: .middle) } == (28...32, 23...29))
        #expect(try box { $0.addText("L", at: .init(30, 30), .black, isUpright: true) } == (23...29, 25...29))
    }

    @Test("an SVG is well-formed, whatever is written in it")
    func svg() throws {
        var drawing = VectorDrawing(width: 100, height: 50)
        drawing.addText("<a & \"b\"> \u{7}'c' Å", at: .init(5, 5), red, anchor: .middle, isUpright: true)
        drawing.addLine([.init(1, 2), .init(3, 4.256)], .init(red, width: 1.5, opacity: 0.5))
        drawing.addLine([.init(1, 2)], .init(red))
        drawing.addArea([.init(0, 0), .init(1, 0), .init(0, 1)], red, opacity: 0.25)
        drawing.addDisc(center: .init(1, 2), radius: 3, red)
        drawing.addCircle(center: .init(1, 2), radius: 3, .init(red))
        let svg = drawing.svg()
        let document = try XMLDocument(xmlString: svg)
        let root = try #require(document.rootElement())
        #expect(root.name == "svg")
        #expect((root.children ?? []).compactMap(\.name).filter { $0 != "text" }.count >= 6)
        #expect(root.elements(forName: "text").first?.stringValue == "<a & \"b\"> \u{FFFD}'c' Å")
        #expect(
            svg.contains("points=\"1,2 3,4.26\" fill=\"none\" stroke=\"#ff0000\" stroke-width=\"1.5\" stroke-opacity=\"0.5\""))
        #expect(svg.contains("rotate(-90 5 5)"))
    }

    @Test("a drawing is written as PNG or SVG by its name, and as nothing else")
    func files() throws {
        let directory = try TemporaryDirectory()
        var drawing = VectorDrawing(width: 20, height: 10)
        drawing.addDisc(center: .init(10, 5), radius: 4, red)
        try DrawingFile.write(drawing, to: .scratch(directory.file("a.png")))
        let png = try DecodedPNG([UInt8](Data(contentsOf: URL(fileURLWithPath: directory.file("a.png")))))
        #expect((png.width, png.height, png.channels) == (40, 20, 3))
        #expect(Array(png.samples[3 * (10 * 40 + 20)..<3 * (10 * 40 + 20) + 3]) == [255, 0, 0])
        try DrawingFile.write(drawing, to: .scratch(directory.file("a.SVG")))
        #expect(try String(contentsOfFile: directory.file("a.SVG"), encoding: .utf8) == drawing.svg())
        #expect(throws: RenderingError.self) { try DrawingFile.write(drawing, to: .scratch(directory.file("a.pdf"))) }
        #expect(throws: RenderingError.self) { try DrawingFile.write(drawing, to: .scratch(directory.file("no/a.svg"))) }
        #expect(!DrawingFile.isSupported("a.pdf") && !DrawingFile.isSupported("png") && DrawingFile.isSupported("b/a.Png"))
    }
}
