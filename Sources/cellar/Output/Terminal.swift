import Foundation

/// One of the two streams to the user, and what may be written to it.
struct Terminal {
    static let output = Terminal(.results, descriptor: STDOUT_FILENO)
    static let error = Terminal(.remarks, descriptor: STDERR_FILENO)

    private let stream: OutputStreams.Stream
    private let descriptor: Int32
    /// Whether somebody watches.
    let isInteractive: Bool
    private let hasColor: Bool

    private init(_ stream: OutputStreams.Stream, descriptor: Int32) {
        self.stream = stream
        self.descriptor = descriptor
        let environment = ProcessInfo.processInfo.environment
        isInteractive = isatty(descriptor) == 1 && environment["TERM"] != "dumb"
        hasColor = isInteractive && (environment["NO_COLOR"] ?? "").isEmpty
    }

    var columns: Int {
        var size = winsize()
        return ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    func write(_ text: String) { OutputStreams.standard.write(text, to: stream) }

    func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }
    func dim(_ text: String) -> String { hasColor ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
}
