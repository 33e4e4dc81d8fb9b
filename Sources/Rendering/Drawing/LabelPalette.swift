/// The colours of labels: seven that people with any colour vision tell apart, then the same lighter and darker.
///
/// Source: M. Okabe and K. Ito, *Color Universal Design* (2008), without black, which is no colour on a tomogram.
public struct LabelPalette: Hashable, Sendable {
    /// The colours of label 1, 2, and so on, before they repeat; never empty.
    public let colors: [Color]

    /// Returns nil if there are no colours.
    public init?(colors: [Color]) {
        guard !colors.isEmpty else { return nil }
        self.colors = colors
    }

    private init(shadesOf colors: [Color]) {
        self.colors =
            colors + colors.map { $0.mixed(with: .white, fraction: 0.45) } + colors.map { $0.mixed(with: .black, fraction: 0.35) }
    }

    /// 21 colours.
    public static let standard = LabelPalette(shadesOf: [
        Color(red: 0xE6, green: 0x9F, blue: 0x00),  // orange
        Color(red: 0x56, green: 0xB4, blue: 0xE9),  // sky blue
        Color(red: 0x00, green: 0x9E, blue: 0x73),  // bluish green
        Color(red: 0xF0, green: 0xE4, blue: 0x42),  // yellow
        Color(red: 0xCC, green: 0x79, blue: 0xA7),  // reddish purple
        Color(red: 0xD5, green: 0x5E, blue: 0x00),  // vermilion
        Color(red: 0x00, green: 0x72, blue: 0xB2),  // blue
    ])

    /// The colour of a label, or nil for label 0, the background.
    public func color(of label: UInt32) -> Color? {
        label == 0 ? nil : colors[Int(label - 1) % colors.count]
    }
}
