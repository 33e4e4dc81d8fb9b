import Foundation

extension Error {
    /// One line that says what is wrong, without control characters, so that a terminal can show it safely.
    public var sentence: String { "\(foundationSentence ?? "\(self)")".withVisibleControlCharacters }

    /// Foundation's errors print as a list of keys; what people need are the path and the system's reason.
    private var foundationSentence: String? {
        guard let error = self as? CocoaError else { return nil }
        let system = error.userInfo[NSUnderlyingErrorKey] as? NSError
        let reason =
            system?.domain == NSPOSIXErrorDomain
            ? system.map { String(cString: strerror(Int32(truncatingIfNeeded: $0.code))) } : error.localizedDescription
        let path = error.filePath ?? error.url?.path
        return path.map { "\($0): \(reason ?? "")" } ?? reason
    }
}

extension String {
    /// The text on one line, as people may safely see it: a line end as `\n`, other control characters as `\u{1B}`.
    public var withVisibleControlCharacters: String {
        guard unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\n": text += "\\n"
            case _ where scalar.properties.generalCategory == .control:
                text += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}

/// Quantities as people say them.
public enum QuantityText {
    /// Seconds as people say them: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`.
    public static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
        if seconds < 10 { return String(format: "%.1f s", seconds) }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        if whole < 86_400 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
        return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
    }

    /// Bytes as people say them, in powers of 1024: `812 B`, `3.2 MiB`.
    public static func bytes(_ bytes: Double) -> String {
        var (value, unit) = (bytes, 0)
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(Int(value)) B" : String(format: "%.1f %@", value, units[unit])
    }
}
