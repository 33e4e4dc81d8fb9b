import Testing

@testable import Rendering

@Suite("Text")
struct TextTests {
    @Test("the font has every printable ASCII character and the signs of the field, each with ink, none like another")
    func glyphs() {
        let characters = (33...126).map { Character(UnicodeScalar($0)) } + "µÅ°±×²³·…"
        var drawings: [BitmapFont.Glyph: Character] = [:]
        for character in characters {
            #expect(BitmapFont.standard.contains(character), "\(character)")
            let glyph = BitmapFont.standard.glyph(character)
            #expect(glyph.rows.count == 9 && glyph.rows.contains { $0 != 0 } && (1...5).contains(glyph.width), "\(character)")
            #expect(drawings.updateValue(character, forKey: glyph) == nil, "\(character) looks like another")
        }
        #expect(BitmapFont.standard.glyph("ü") == BitmapFont.standard.glyph("?"))
    }

    @Test("digits are equally wide")
    func digits() {
        #expect(Set("0123456789".map { BitmapFont.standard.glyph($0).width }) == [5])
    }

    @Test("the pixels of a letter are squares of the scale, and the text is as wide as it says")
    func scale() throws {
        var small = try #require(RGBImage(height: 9, width: 40))
        var large = try #require(RGBImage(height: 27, width: 120))
        small.drawText("Å 3g", y: 0, x: 0, .white)
        large.drawText("Å 3g", y: 0, x: 0, .white, scale: 3)
        for y in 0..<27 {
            for x in 0..<120 { #expect(large[y: y, x: x] == small[y: y / 3, x: x / 3]) }
        }
        let width = RGBImage.widthOfText("Å 3g", scale: 3)
        let inked = (0..<120).filter { x in (0..<27).contains { large[y: $0, x: x] == .white } }
        #expect(inked.last == width - 1)
    }

    @Test("an outline surrounds every letter")
    func outline() throws {
        let grey = Color(red: 128, green: 128, blue: 128)
        var picture = try #require(RGBImage(height: 13, width: 20, filledWith: grey))
        picture.drawText("i", y: 2, x: 4, .white, outline: .black)
        for y in 1..<10 { #expect(picture[y: y, x: 3] == .black && picture[y: y, x: 5] == .black) }
        #expect(picture[y: 2, x: 4] == .white && picture[y: 1, x: 4] == .black && picture[y: 0, x: 4] == grey)
    }

    @Test("a text that is too long loses its middle")
    func shortening() {
        let font = BitmapFont.standard
        let name = "TS_0008_bin4_denoised"
        #expect(font.shortened(name, toWidth: 1000) == name)
        for width in 0..<font.width(of: name) {
            let shortened = font.shortened(name, toWidth: width)
            #expect(font.width(of: shortened) <= width)
            #expect(shortened.isEmpty || shortened.contains("…"))
        }
        #expect(font.shortened(name, toWidth: 60).hasPrefix("TS_"))
        #expect(font.shortened(name, toWidth: 60).hasSuffix("sed"))
    }
}
