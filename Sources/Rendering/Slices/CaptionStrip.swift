/// The layout of a caption: the name on the left, the details on the right, or below it where both do not fit one line; then
/// the legend, where there is one.
struct CaptionStrip {
    static let background = Color(red: 0x14, green: 0x17, blue: 0x1C)
    private static let nameColor = Color(red: 0xF2, green: 0xF4, blue: 0xF7)
    private static let detailsColor = Color(red: 0xA9, green: 0xB4, blue: 0xC2)
    /// Narrower pictures get a wider strip, so that their caption can be read.
    private static let narrowest = 256

    /// The side of a pixel of the font.
    let scale: Int
    let width: Int
    let height: Int
    private let name: String
    private let details: String
    private let isOneLine: Bool
    private let legend: [[(entry: LegendEntry, offset: Double)]]

    init(_ caption: SliceCaption, pictureWidth: Int) {
        width = max(pictureWidth, Self.narrowest)
        scale = width < 384 ? 1 : min(max(2, (width + 200) / 400), 16)
        let available = width / scale - 2 * Self.margin
        let gap = 12
        let font = BitmapFont.standard
        details = font.shortened(caption.details, toWidth: available)
        isOneLine = details.isEmpty || font.width(of: caption.name) + gap + font.width(of: details) <= available
        name = font.shortened(caption.name, toWidth: available)
        let entries = caption.legend.map {
            LegendEntry(name: font.shortened($0.name, toWidth: available - Self.lead), color: $0.color)
        }
        legend = LegendEntry.lines(of: entries, width: Double(available), lead: Double(Self.lead), gap: Double(gap)) {
            Double(font.width(of: $0))
        }
        let lines = (isOneLine ? 1 : 2) + legend.count
        height = scale * (2 * Self.margin + lines * BitmapFont.ascent + (lines - 1) * Self.leading)
    }

    /// Around the text, and between two lines, in pixels of the font.
    private static let margin = 8
    private static let leading = 6
    /// The side of a square of the legend, with the space behind it.
    private static let lead = BitmapFont.ascent + 4

    func draw(on picture: inout RGBImage, y: Int) {
        let top = y + Self.margin * scale
        picture.drawText(name, y: top, x: Self.margin * scale, Self.nameColor, scale: scale)
        if isOneLine {
            let right = width - Self.margin * scale - BitmapFont.standard.width(of: details) * scale
            picture.drawText(details, y: top, x: right, Self.detailsColor, scale: scale)
        } else {
            let second = top + (BitmapFont.ascent + Self.leading) * scale
            picture.drawText(details, y: second, x: Self.margin * scale, Self.detailsColor, scale: scale)
        }
        for (index, line) in legend.enumerated() {
            let row = top + (index + (isOneLine ? 1 : 2)) * (BitmapFont.ascent + Self.leading) * scale
            for (entry, offset) in line {
                let left = (Self.margin + Int(offset)) * scale
                let side = BitmapFont.ascent * scale
                picture.fill(y: row..<row + side, x: left..<left + side, entry.color)
                picture.drawText(entry.name, y: row, x: left + Self.lead * scale, Self.detailsColor, scale: scale)
            }
        }
    }
}
