import Testing

@testable import Rendering

@Suite("Drawing")
struct DrawingTests {
    private let red = Color(red: 255, green: 0, blue: 0)

    /// The pixels that are not black, as text.
    private func shape(_ picture: RGBImage) -> String {
        (0..<picture.height).map { y in
            String((0..<picture.width).map { x in picture[y: y, x: x] == .black ? "." : "#" })
        }.joined(separator: "\n")
    }

    @Test("what lies outside is not drawn, however far")
    func clipping() throws {
        var picture = try #require(RGBImage(height: 3, width: 3))
        let copy = picture
        picture.fill(y: 3..<9, x: 0..<3, red)
        picture.drawText("A", y: .max, x: .min, red, scale: 3, outline: red)
        picture.drawText("A", y: 1 << 39, x: -1 << 39, red)
        picture.draw(copy, y: .min, x: .max)
        picture.draw(copy, y: 3, x: -3)
        #expect(picture == copy)
        picture.fill(y: .min..<Int.max, x: 2..<Int.max, red)
        #expect(shape(picture) == "..#\n..#\n..#")
    }

    @Test("a picture is drawn on another, cut at the border")
    func pictures() throws {
        var picture = try #require(RGBImage(height: 3, width: 3))
        picture.draw(try #require(RGBImage(height: 2, width: 2, filledWith: red)), y: -1, x: 2)
        #expect(shape(picture) == "..#\n...\n...")
    }

    @Test("labels are coloured in proportion to the opacity, and the background is left alone")
    func overlay() throws {
        let grey = try #require(GreyImage(height: 1, width: 3, pixels: [100, 100, 100]))
        let labels = try #require(LabelImage(height: 1, width: 3, labels: [0, 1, 8]))
        let palette = try #require(LabelPalette(colors: [Color(red: 200, green: 0, blue: 100)]))
        var picture = RGBImage(grey)
        picture.overlay(labels, palette: palette, opacity: 0.5)
        #expect(picture.bytes == [100, 100, 100, 150, 50, 100, 150, 50, 100])
        picture.overlay(labels, palette: palette, opacity: 7)
        #expect(picture.bytes == [100, 100, 100, 200, 0, 100, 200, 0, 100])
    }

    @Test("the palette has 21 colours that differ, then begins again")
    func palette() {
        let palette = LabelPalette.standard
        #expect(palette.color(of: 0) == nil)
        #expect(Set((1...21).map { palette.color(of: $0) }).count == 21)
        #expect(palette.color(of: 22) == palette.color(of: 1))
        #expect(palette.color(of: .max) != nil)
        #expect(LabelPalette(colors: []) == nil)
    }

    @Test("pictures that cannot be are nil")
    func sizes() {
        #expect(RGBImage(height: 0, width: 1) == nil)
        #expect(RGBImage(height: 1, width: 65_537) == nil)
        #expect(GreyImage(height: 2, width: 2, pixels: [1]) == nil)
        #expect(GreyImage(height: .max, width: .max, pixels: []) == nil)
        #expect(LabelImage(height: -1, width: -1, labels: [1]) == nil)
    }
}
