/// A small proportional font for captions: capitals of seven pixels, two more below the line, at most five wide.
///
/// It knows printable ASCII and `µ Å ° ± × ² ³ · …`; any other character is drawn as `?`.
struct BitmapFont: Sendable {
    struct Glyph: Hashable, Sendable {
        /// Nine rows from the top; bit `x` is the pixel of column `x`.
        var rows = [UInt8](repeating: 0, count: BitmapFont.height)
        var width = 0
    }

    /// The rows of a line of text: seven above the line on which letters stand, and two below.
    static let height = 9
    /// The rows above the line on which letters stand.
    static let ascent = 7

    static let standard = BitmapFont(drawings: drawings)

    private let glyphs: [Character: Glyph]
    private let unknown: Glyph

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
                // Digits are equally wide, so that numbers in columns align.
                if character.isASCII, character.isNumber { glyph.width = pitch - 1 }
                glyphs[character] = glyph
            }
        }
        self.glyphs = glyphs
        self.unknown = glyphs["?"] ?? Glyph(width: pitch - 1)
    }

    /// Whether the font has a drawing of the character.
    func contains(_ character: Character) -> Bool { glyphs[character] != nil }

    func glyph(_ character: Character) -> Glyph { glyphs[character] ?? unknown }

    /// The width of a line of text in pixels, at scale 1.
    func width(of text: some StringProtocol) -> Int {
        max(text.reduce(0) { $0 + glyph($1).width + 1 } - 1, 0)
    }

    /// The text, or as much of its beginning and end as fits `width` pixels at scale 1, with `…` for what was left out.
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
