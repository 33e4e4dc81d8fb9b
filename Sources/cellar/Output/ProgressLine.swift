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
        if let remaining = progress.remainingSeconds { parts.append("\(duration(remaining)) left") }
        if progress.failed > 0 { parts.append("\(progress.failed) failed") }
        if !progress.step.isEmpty { parts.append(progress.note.isEmpty ? progress.step : "\(progress.step): \(progress.note)") }
        return parts.joined(separator: ", ")
    }
}

/// Seconds as people say them: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`.
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e9 else { return "?" }
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
    if whole < 86_400 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
    return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
}

/// Bytes as people say them, in powers of 1024: `812 B`, `3.2 MiB`.
func byteSize(_ bytes: Double) -> String {
    var (value, unit) = (bytes, 0)
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value >= 1024, unit < units.count - 1 {
        value /= 1024
        unit += 1
    }
    return unit == 0 ? "\(Int(value)) B" : String(format: "%.1f %@", value, units[unit])
}
