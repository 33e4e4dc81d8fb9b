/// The layout of a caption: the name on the left, the details on the right, or below it where both do not fit one line.
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

    init(_ caption: SliceCaption, pictureWidth: Int) {
        width = max(pictureWidth, Self.narrowest)
        scale = width < 384 ? 1 : min(max(2, (width + 200) / 400), 16)
        let available = width / scale - 2 * Self.margin
        let gap = 12
        let font = BitmapFont.standard
        details = font.shortened(caption.details, toWidth: available)
        isOneLine = details.isEmpty || font.width(of: caption.name) + gap + font.width(of: details) <= available
        name = font.shortened(caption.name, toWidth: available)
        let lines = isOneLine ? 1 : 2
        height = scale * (2 * Self.margin + lines * BitmapFont.ascent + (lines - 1) * Self.leading)
    }

    /// Around the text, and between two lines, in pixels of the font.
    private static let margin = 8
    private static let leading = 6

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
    }
}
