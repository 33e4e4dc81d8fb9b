import ArgumentParser
import CellarKit
import Foundation

/// How a command says how far it is.
struct ProgressOptions: ParsableArguments {
    @Flag(help: "Do not say how far it is.")
    var quiet = false

    @Flag(help: "Say how far it is in JSON, an object on each line of standard error, for a program that reads along.")
    var jsonProgress = false

    func validate() throws {
        if quiet, jsonProgress { throw ValidationError("--quiet says nothing, --json-progress something: leave one out.") }
    }

    /// Shown to people on a terminal, and to nobody else: for commands that take seconds.
    static func shown(_ title: String) -> ProgressLine { ProgressLine(title, Terminal.error.isInteractive ? .bar : .none) }

    /// - Parameter title: what is going on, in a word: the command, or what it works on.
    func line(_ title: String) -> ProgressLine {
        ProgressLine(title, quiet ? .none : jsonProgress ? .json : Terminal.error.isInteractive ? .bar : .lines)
    }
}

/// How far something is.
struct ProgressReport {
    var done: Int?
    var total: Int?
    /// From 0 to 1; nil for done of total.
    var fraction: Double?
    var failed = 0
    var remainingSeconds: Double?
    /// What it is at.
    var what = ""

    init(done: Int? = nil, of total: Int? = nil, what: String = "") { (self.done, self.total, self.what) = (done, total, what) }

    init(_ progress: RunProgress) {
        (done, total, fraction) = (progress.finished, progress.total, progress.fraction)
        (failed, remainingSeconds) = (progress.failed, progress.remainingSeconds)
        what = [progress.step, progress.note].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    fileprivate var share: Double? {
        fraction ?? total.flatMap { total in done.map { total > 0 ? min(1, Double($0) / Double(total)) : 1 } }
    }
}

/// Shows how far something is on standard error: one line that renews itself on a terminal, a plain line every few seconds elsewhere, or
/// JSON.
final class ProgressLine {
    enum Style { case bar, lines, json, none }

    private static let (plainIntervalInSeconds, jsonIntervalInSeconds) = (10.0, 0.5)

    private let title: String
    private let style: Style
    private let terminal = Terminal.error
    private let start = ContinuousClock.now
    private var lastWritten = -Double.infinity
    private var lastText = ""
    private var isDrawn = false

    init(_ title: String, _ style: Style) { (self.title, self.style) = (title, style) }

    /// Says what is going on, where nothing is counted.
    func show(_ what: String) { show(ProgressReport(what: what)) }

    func show(_ report: ProgressReport) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        switch style {
        case .none: return
        case .bar:
            let line = String((bar(report) + text(report, seconds)).prefix(terminal.columns - 1))
            guard line != lastText else { return }
            lastText = line
            terminal.write("\r\u{1B}[K\(line)")
            isDrawn = true
        case .lines:
            // What counts nothing says nothing to somebody who reads a log.
            guard report.done != nil, seconds - lastWritten >= Self.plainIntervalInSeconds else { return }
            lastWritten = seconds
            terminal.write(text(report, seconds) + "\n")
        case .json:
            guard seconds - lastWritten >= Self.jsonIntervalInSeconds || report.done == report.total else { return }
            lastWritten = seconds
            terminal.write(json(report, seconds) + "\n")
        }
    }

    /// Leaves the screen clean.
    func clear() {
        if isDrawn { terminal.write("\r\u{1B}[K") }
        isDrawn = false
    }

    private func bar(_ report: ProgressReport) -> String {
        guard let share = report.share else { return "" }
        let width = 24
        let filled = min(width, max(0, Int(share * Double(width))))
        return "▕" + String(repeating: "█", count: filled) + String(repeating: " ", count: width - filled) + "▏ "
    }

    private func text(_ report: ProgressReport, _ seconds: Double) -> String {
        var parts: [String] = []
        if let done = report.done, let total = report.total {
            parts.append("\(title): \(done)/\(total)")
            if seconds > 1 { parts.append(String(format: "%.1f/s", Double(done) / seconds)) }
        } else {
            parts.append(title)
        }
        if let remaining = report.remainingSeconds { parts.append("\(QuantityText.duration(seconds: remaining)) left") }
        if report.failed > 0 { parts.append("\(report.failed) failed") }
        if !report.what.isEmpty { parts.append(report.what) }
        return parts.joined(separator: ", ")
    }

    private func json(_ report: ProgressReport, _ seconds: Double) -> String {
        var object: [String: any Sendable] = ["command": title, "seconds": (seconds * 100).rounded() / 100]
        object["done"] = report.done
        object["total"] = report.total
        object["fraction"] = report.share.map { ($0 * 10_000).rounded() / 10_000 }
        object["seconds_left"] = report.remainingSeconds.map { $0.rounded() }
        if report.failed > 0 { object["failed"] = report.failed }
        if !report.what.isEmpty { object["what"] = report.what }
        let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}
