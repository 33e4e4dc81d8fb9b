import Foundation
import TestSupport
import Testing

/// The session of README.md, run as it stands there, on tomograms that are small enough for a test.
@Suite struct TranscriptTests {
    /// How many blocks of the section are run: those before networks are trained, which takes minutes. The others are parsed, as
    /// all command lines of the README are (`DocumentedCommandTests`).
    private static let blocks = 5

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
            let lines = { (text: String) in Transcript.masked(text, folder: cellar.folder) }
            let difference = Transcript.difference(
                of: lines(result.output), and: lines(result.errors), to: lines(entry.output.joined(separator: "\n")))
            if let difference { Issue.record("$ \(entry.command)\n\(difference)\nit printed:\n\(result.output)\(result.errors)") }
            if command == "cellar init" { _ = try run(Self.hasty) }
        }
    }

    @Test("two transcripts differ where a word does, and not where a number does")
    func differences() {
        func differ(_ printed: String, _ expected: String) -> Bool {
            let lines = { (text: String) in Transcript.masked(text, folder: "/tmp/x") }
            return Transcript.difference(of: lines(printed), and: ["a note"], to: lines(expected)) != nil
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
