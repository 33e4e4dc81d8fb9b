/// Pairs of values that belong together, in order.
public struct PlotSeries: Hashable, Sendable {
    public var name: String
    /// x and y. Where one of them is no finite number, or an axis cannot show it, the line has a gap.
    public var points: [SIMD2<Double>]
    /// nil for the next colour of the plot's palette.
    public var color: Color?

    public init(_ name: String, _ points: [SIMD2<Double>], color: Color? = nil) {
        self.name = name
        self.points = points
        self.color = color
    }

    /// The colour of the series at a position; they repeat.
    static func color(_ index: Int) -> Color { palette[index % palette.count] }

    /// Colours that people with any colour vision tell apart on white.
    ///
    /// Source: M. Okabe and K. Ito, *Color Universal Design* (2008), without yellow, which is pale on white.
    public static let palette = [
        Color(red: 0x00, green: 0x72, blue: 0xB2),  // blue
        Color(red: 0xD5, green: 0x5E, blue: 0x00),  // vermilion
        Color(red: 0x00, green: 0x9E, blue: 0x73),  // bluish green
        Color(red: 0xCC, green: 0x79, blue: 0xA7),  // reddish purple
        Color(red: 0xE6, green: 0x9F, blue: 0x00),  // orange
        Color(red: 0x56, green: 0xB4, blue: 0xE9),  // sky blue
        Color(red: 0x55, green: 0x5B, blue: 0x66),  // grey
    ]
}
