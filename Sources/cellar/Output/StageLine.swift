/// One line on the terminal that says what is going on, for work that is not a run.
final class StageLine {
    private let title: String
    private var last = ""

    init(_ title: String) { self.title = title }

    func show(_ text: String) {
        guard Terminal.error.isInteractive, text != last else { return }
        last = text
        Terminal.error.write("\r\u{1B}[K\(title): \(text)")
    }

    func clear() {
        if Terminal.error.isInteractive { Terminal.error.write("\r\u{1B}[K") }
    }
}
