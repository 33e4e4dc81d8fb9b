/// What a colour of a picture or a plot stands for.
public struct LegendEntry: Hashable, Sendable {
    public let name: String
    public let color: Color

    public init(name: String, color: Color) {
        self.name = name
        self.color = color
    }
}

extension LegendEntry {
    /// Entries in lines that are no longer than `width`, each with its distance from the beginning of its line.
    ///
    /// - Parameters:
    ///   - lead: the width of the sign before a name.
    ///   - gap: between a name and the next sign.
    ///   - measure: the width of a name.
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
