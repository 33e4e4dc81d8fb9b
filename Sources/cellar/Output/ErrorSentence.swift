import Foundation

extension Error {
    /// One line that says what is wrong, as people may safely see it.
    var sentence: String { "\(foundationSentence ?? "\(self)")".withVisibleControlCharacters }

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
