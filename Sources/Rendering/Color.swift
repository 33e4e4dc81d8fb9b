/// An sRGB colour with 8 bits per channel.
public struct Color: Hashable, Sendable {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    public static let black = Color(red: 0, green: 0, blue: 0)
    public static let white = Color(red: 255, green: 255, blue: 255)

    /// Linear interpolation between this colour (`fraction` 0) and another (`fraction` 1), channel by channel, in steps of 1/256.
    /// Fractions outside 0 … 1 are clamped.
    public func mixed(with other: Color, fraction: Double) -> Color {
        let weight = Int((min(max(fraction, 0), 1) * 256).rounded())
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Int(a) * (256 - weight) + Int(b) * weight + 128) / 256) }
        return Color(red: mix(red, other.red), green: mix(green, other.green), blue: mix(blue, other.blue))
    }
}

/// The colours in which labels are drawn. The standard palette has seven colours that people with any colour vision can
/// distinguish, then the same seven lighter, then darker.
///
/// Source: M. Okabe and K. Ito, *Color Universal Design* (2008), without black, which does not stand out on a tomogram.
public struct LabelPalette: Hashable, Sendable {
    /// The colours of labels 1, 2, …; after the last one they repeat. Never empty.
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

    /// 21 colours: the seven of Okabe and Ito, their lighter shades, their darker shades.
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

/// One entry of a legend: a colour, and the name of what it stands for in a picture or a plot.
public struct LegendEntry: Hashable, Sendable {
    public let name: String
    public let color: Color

    public init(name: String, color: Color) {
        self.name = name
        self.color = color
    }
}

extension LegendEntry {
    /// Breaks entries into lines that are at most `width` long; an entry wider than that has a line of its own.
    /// All lengths are in the unit that `measure` returns.
    ///
    /// - Parameters:
    ///   - lead: the width of the coloured mark in front of a name, its space included.
    ///   - gap: the space between a name and the next mark.
    ///   - measure: returns the width of a name.
    /// - Returns: for each line its entries, each with the offset of its mark from the beginning of the line.
    static func lines(
        of entries: [LegendEntry], width: Double, lead: Double, gap: Double, measure: (String) -> Double
    ) -> [[(entry: LegendEntry, offset: Double)]] {
        var lines: [[(entry: LegendEntry, offset: Double)]] = []
        var end = Double.infinity
        for entry in entries {
            let length = lead + measure(entry.name)
            if end + length > width {
                lines.append([])
                end = 0
            }
            lines[lines.count - 1].append((entry, end))
            end += length + gap
        }
        return lines
    }
}
