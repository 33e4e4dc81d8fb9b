/// A small proportional bitmap font for captions: glyphs are at most five pixels wide, seven high above the baseline and
/// two below it.
///
/// It has printable ASCII and `µ Å ° ± × ² ³ · …`; any other character is drawn as `?`.
struct BitmapFont: Sendable {
    struct Glyph: Hashable, Sendable {
        /// Nine rows from the top; bit `x` of a row is the pixel in column `x`.
        var rows = [UInt8](repeating: 0, count: BitmapFont.height)
        var width = 0
    }

    /// The rows of a line of text: seven above the baseline and two below it.
    static let height = 9
    /// The rows above the baseline.
    static let ascent = 7

    static let standard = BitmapFont(drawings: drawings)

    private let glyphs: [Character: Glyph]
    private let unknown: Glyph

    /// Reads glyphs from a drawing in the layout of `BitmapFont+Glyphs.swift`.
    init(drawings: String) {
        let pitch = 6
        let lines = drawings.split(separator: "\n").map(Array.init)
        var glyphs: [Character: Glyph] = [" ": Glyph(width: 3)]
        for first in stride(from: 0, through: lines.count - 1 - Self.height, by: 1 + Self.height) {
            for column in stride(from: 0, to: lines[first].count, by: pitch) {
                let character = lines[first][column]
                var glyph = Glyph()
                for row in 0..<Self.height {
                    let pixels = lines[first + 1 + row].dropFirst(column).prefix(pitch - 1)
                    for (x, pixel) in pixels.enumerated() where pixel == "#" {
                        glyph.rows[row] |= 1 << x
                        glyph.width = max(glyph.width, x + 1)
                    }
                }
                // All digits have the same width, so that numbers in columns align.
                if character.isASCII, character.isNumber { glyph.width = pitch - 1 }
                glyphs[character] = glyph
            }
        }
        self.glyphs = glyphs
        self.unknown = glyphs["?"] ?? Glyph(width: pitch - 1)
    }

    /// Whether the font has a glyph for the character.
    func contains(_ character: Character) -> Bool { glyphs[character] != nil }

    /// The glyph of the character, or that of `?` where the font has none.
    func glyph(_ character: Character) -> Glyph { glyphs[character] ?? unknown }

    /// The width of a line of text in pixels, at scale 1.
    func width(of text: some StringProtocol) -> Int {
        max(text.reduce(0) { $0 + glyph($1).width + 1 } - 1, 0)
    }

    /// Shortens a text to at most `width` pixels at scale 1: it keeps the beginning and the end, and puts `…` between them.
    /// Returns an empty string where not even `…` fits.
    func shortened(_ text: String, toWidth width: Int) -> String {
        guard self.width(of: text) > width else { return text }
        var kept = text.count - 1
        while kept > 0 {
            let shortened = text.prefix((kept + 1) / 2) + "…" + text.suffix(kept / 2)
            if self.width(of: shortened) <= width { return String(shortened) }
            kept -= 1
        }
        return self.width(of: "…") <= width ? "…" : ""
    }
}

extension RGBImage {
    /// Draws one line of text in the built-in font.
    ///
    /// - Parameters:
    ///   - y: the top row of capital letters, which are `7 * scale` rows high; descenders reach `2 * scale` rows lower.
    ///   - x: the column in which the text begins.
    ///   - scale: the side of a font pixel in picture pixels; clamped to 1 … 64.
    ///   - outline: the colour of an outline around the letters, `scale` pixels thick, so that they are legible on any
    ///     background; nil for none.
    public mutating func drawText(_ text: String, y: Int, x: Int, _ color: Color, scale: Int = 1, outline: Color? = nil) {
        let scale = min(max(scale, 1), 64)
        // Text that begins farther away cannot reach into the picture; within this range the sums below cannot overflow.
        let reach = -(1 << 40)...1 << 40
        guard reach.contains(y), reach.contains(x) else { return }
        if let outline { drawGlyphs(text, y: y, x: x, outline, scale: scale, margin: scale) }
        drawGlyphs(text, y: y, x: x, color, scale: scale, margin: 0)
    }

    /// The width in pixels of a line of text as `drawText` draws it, without the outline.
    public static func widthOfText(_ text: String, scale: Int = 1) -> Int {
        BitmapFont.standard.width(of: text) * min(max(scale, 1), 64)
    }

    private mutating func drawGlyphs(_ text: String, y: Int, x: Int, _ color: Color, scale: Int, margin: Int) {
        var left = x
        for character in text {
            guard left < width + margin else { return }
            let glyph = BitmapFont.standard.glyph(character)
            for (row, pixels) in glyph.rows.enumerated() {
                for column in 0..<glyph.width where pixels >> column & 1 == 1 {
                    let top = y + row * scale
                    let start = left + column * scale
                    fill(y: top - margin..<top + scale + margin, x: start - margin..<start + scale + margin, color)
                }
            }
            left += (glyph.width + 1) * scale
        }
    }
}
