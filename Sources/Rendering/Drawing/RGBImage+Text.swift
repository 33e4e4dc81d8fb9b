extension RGBImage {
    /// Draws one line of text in the built-in font.
    ///
    /// - Parameters:
    ///   - y: the row of the top of capitals; capitals are `7 * scale` rows high, and some letters go `2 * scale` lower.
    ///   - x: the column in which the text begins.
    ///   - scale: the side of a pixel of the font, 1 … 64.
    ///   - outline: the colour of an edge around the letters, `scale` pixels thick, that makes them legible on anything.
    public mutating func drawText(_ text: String, y: Int, x: Int, _ color: Color, scale: Int = 1, outline: Color? = nil) {
        let scale = min(max(scale, 1), 64)
        // Beyond these nothing of the text can lie in the picture, and nearer sums cannot overflow.
        let reach = -(1 << 40)...1 << 40
        guard reach.contains(y), reach.contains(x) else { return }
        if let outline { drawGlyphs(text, y: y, x: x, outline, scale: scale, margin: scale) }
        drawGlyphs(text, y: y, x: x, color, scale: scale, margin: 0)
    }

    /// The width in pixels of a line of text that `drawText` draws, without its outline.
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
