import Foundation
import TestSupport
import Testing

/// The session of README.md, run as it stands there, on tomograms that are small enough for a test.
@Suite struct TranscriptTests {
    /// How many blocks of the section are run: those before networks are trained, which takes minutes. The others are parsed, as
    /// all command lines of the README are (`DocumentedCommandTests`).
    private static let blocks = 8

    /// What the README says, and what the test does in its place.
    private static let sizes = ["512,512,96": "128,128,32", "40..<60": "4..<28"]

    /// What is set once there is a catalog: tiles no larger than the slice, and one timestep instead of four.
    private static let hasty = "cellar recipe set prepare.tiles.size=128 features.timesteps.count=1"

    @Test("the README's session prints what the README says, but for times, sizes and other numbers")
    func session() throws {
        let section = try #require(Repository.text(of: "README.md").components(separatedBy: "\n## A session\n").last)
        let blocks = ConsoleBlock.all(in: section.components(separatedBy: "\n## ")[0])
        try #require(blocks.count > Self.blocks)
        let cellar = CellarProcess(in: try TemporaryDirectory())
        let program = CellarProcess.executable.deletingLastPathComponent().path

        func run(_ command: String) throws -> CellarProcess.Result {
            let result = try cellar(running: ["bash", "-c", "PATH=\"$0:$PATH\"\n\(command)", program])
            #expect(result.status == 0, "\(command): \(result.errors)")
            return result
        }
        for entry in blocks.prefix(Self.blocks).flatMap(\.entries) {
            let command = Self.sizes.reduce(entry.command) { $0.replacing($1.key, with: $1.value) }
            let result = try run(command)
            let lines = { (text: String) in text.split(separator: "\n").map { Self.masked($0, folder: cellar.folder) } }
            let difference = Self.difference(
                of: lines(result.output), and: lines(result.errors), to: lines(entry.output.joined(separator: "\n")))
            if let difference { Issue.record("$ \(entry.command)\n\(difference)\nit printed:\n\(result.output)\(result.errors)") }
            if command == "cellar init" { _ = try run(Self.hasty) }
        }
    }

    /// A line without what differs from run to run: numbers, durations, the folder, the width of columns.
    private static func masked(_ line: Substring, folder: String) -> String {
        let words = line.replacing(folder, with: "/tmp/s").split(separator: " ").joined(separator: " ")
        let numbers = words.replacingOccurrences(of: #"(?<![\w.])\d+(\.\d+)?(?!\w)"#, with: "#", options: .regularExpression)
        let times = numbers.replacingOccurrences(of: #"(# (h|min|s|ms)\b ?)+"#, with: "TIME", options: .regularExpression)
        // Whether an early cut-off keeps results depends on what the tomograms hold.
        return times.replacing(", # found again", with: "")
    }

    /// The first line in which they differ, in words; nil where there is none. All that the program prints as its result has to be
    /// expected, but for what `…` stands for; of its notes, those that are expected have to be there.
    private static func difference(of output: [String], and notes: [String], to expected: [String]) -> String? {
        var (output, notes, isElided) = (output[...], notes, false)
        for line in expected {
            if line == "…" {
                isElided = true
            } else if let place = isElided ? output.firstIndex(of: line) : output.first == line ? output.startIndex : nil {
                output = output[(place + 1)...]
                isElided = false
            } else if let place = notes.firstIndex(of: line) {
                notes.remove(at: place)
            } else {
                return "the README says: \(line)\nthe program:     \(output.first ?? "nothing more")"
            }
        }
        return isElided ? nil : output.first.map { "the program says more than the README: \($0)" }
    }

    @Test("two transcripts differ where a word does, and not where a number does")
    func differences() {
        func differ(_ printed: String, _ expected: String) -> Bool {
            let lines = { (text: String) in text.split(separator: "\n").map { Self.masked($0, folder: "/tmp/x") } }
            return Self.difference(of: lines(printed), and: ["a note"], to: lines(expected)) != nil
        }
        #expect(!differ("run 1: 7 items ran in 4.0 s", "run 1: 126 items ran, 2 found again in 1 min 23 s"))
        #expect(!differ("Made /tmp/x/.cellar\ntomo_01  z 4..<8", "Made /tmp/s/.cellar\na note\ntomo_01 z 40..<60"))
        #expect(!differ("a\nb\nc\nd", "a\n…\nd"))
        #expect(differ("a\nb\nc\nd", "a\n…\ne"))
        #expect(differ("tomo_01", "tomo_02"))
        #expect(differ("a\nb", "a"))
        #expect(differ("a", "a\nb"))
    }
}
