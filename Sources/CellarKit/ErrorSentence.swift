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
