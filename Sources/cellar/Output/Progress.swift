import CellarKit
import Foundation

/// Shows how far a run is: one line that renews itself on a terminal, a plain line every few seconds elsewhere.
final class ProgressLine {
    private static let plainIntervalInSeconds = 10.0

    private let terminal = Terminal.error
    private var lastPlain = -ProgressLine.plainIntervalInSeconds
    private var isDrawn = false

    func show(_ progress: RunProgress) {
        if terminal.isInteractive {
            let line = String(bar(progress) + text(progress)).prefix(terminal.columns - 1)
            terminal.write("\r\u{1B}[K\(line)")
            isDrawn = true
        } else if progress.elapsedSeconds - lastPlain >= Self.plainIntervalInSeconds {
            lastPlain = progress.elapsedSeconds
            terminal.write(text(progress) + "\n")
        }
    }

    /// Leaves the screen clean.
    func clear() {
        if isDrawn { terminal.write("\r\u{1B}[K") }
        isDrawn = false
    }

    private func bar(_ progress: RunProgress) -> String {
        let width = 24
        let filled = Int(progress.fraction * Double(width))
        return "▕" + String(repeating: "█", count: min(width, filled)) + String(repeating: " ", count: max(0, width - filled))
            + "▏ "
    }

    private func text(_ progress: RunProgress) -> String {
        var parts = ["\(progress.finished)/\(progress.total) items"]
        if progress.elapsedSeconds > 1 {
            parts.append(String(format: "%.1f/s", Double(progress.finished) / progress.elapsedSeconds))
        }
        if let remaining = progress.remainingSeconds { parts.append("\(QuantityText.duration(seconds: remaining)) left") }
        if progress.failed > 0 { parts.append("\(progress.failed) failed") }
        if !progress.step.isEmpty { parts.append(progress.note.isEmpty ? progress.step : "\(progress.step): \(progress.note)") }
        return parts.joined(separator: ", ")
    }
}

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
