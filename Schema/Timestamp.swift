public import Foundation

/// A moment as the catalog writes it: UTC, ISO 8601 with milliseconds, so that text order is time order.
public enum Timestamp {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// Now.
    public static var now: String { text(.now) }

    public static func text(_ date: Date) -> String { date.formatted(style) }

    /// Returns nil where the text is no timestamp.
    public static func date(_ text: String) -> Date? { try? style.parse(text) }
}
