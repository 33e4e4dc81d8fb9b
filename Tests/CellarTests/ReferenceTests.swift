import ArgumentParser
import Foundation
import TestSupport
import Testing

@testable import cellar

@Suite struct ReferenceTests {
    @Test("every command has a help text")
    func helpTexts() {
        #expect(CellarCommand.all.count > 20)
        for command in CellarCommand.all {
            #expect(!command.type.configuration.abstract.isEmpty, "\(command.name) has no abstract")
        }
    }

    @Test("the committed reference says what --help says; CELLAR_RECORD=1 writes it, and fails")
    func reference() throws {
        var text = """
            # The commands of `cellar`

            What `--help` prints, for every command; a test compares. `make reference` writes this file anew.

            """
        for command in CellarCommand.all {
            let help = CellarCommand.helpMessage(for: command.type, columns: 100).trimmingCharacters(in: .newlines)
            text += "\n## \(command.name)\n\n```\n\(help)\n```\n"
        }
        try GoldenFile(repository: "Sources/cellar/REFERENCE.md").expect(text, recordedBy: "make reference")
    }
}

extension CellarCommand {
    /// Every command with the words that call it, in order.
    static var all: [(name: String, type: any ParsableCommand.Type)] { tree(of: CellarCommand.self, ["cellar"]) }

    private static func tree(
        of command: any ParsableCommand.Type, _ words: [String]
    ) -> [(name: String, type: any ParsableCommand.Type)] {
        let configuration = command.configuration
        let children = configuration.ungroupedSubcommands + configuration.groupedSubcommands.flatMap(\.subcommands)
        return [(words.joined(separator: " "), command)] + children.flatMap { tree(of: $0, words + [$0._commandName]) }
    }
}
