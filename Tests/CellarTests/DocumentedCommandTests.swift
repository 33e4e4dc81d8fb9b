import ArgumentParser
import TestSupport
import Testing

@testable import cellar

/// Command lines that stand in documents, parsed in the process of the test: none has an option that was renamed.
@Suite struct DocumentedCommandTests {
    /// Parses the `cellar` commands of a line, as the program does.
    private func check(_ line: String, in source: String) throws {
        let shell = try #require(ShellLine(line), "\(source): a quotation of \(line) does not end")
        for words in shell.commands where words.first == "cellar" {
            do { _ = try CellarCommand.parseAsRoot(Array(words.dropFirst())) } catch {
                Issue.record("\(source): \(line)\n\(CellarCommand.message(for: error))")
            }
        }
    }

    @Test("every command of the README's sessions is one")
    func sessions() throws {
        let entries = try ConsoleBlock.all(in: Repository.text(of: "README.md")).flatMap(\.entries)
        #expect(entries.count > 18)
        for entry in entries { try check(entry.command, in: "README.md") }
    }

    @Test("every command within the README's text is one, or the name of one")
    func spans() throws {
        let names = Set(CellarCommand.all.map(\.name))
        let spans = try Repository.text(of: "README.md").matches(of: /`(cellar [^`]+)`/).map { String($0.1) }
        #expect(spans.count > 10)
        for span in spans where !names.contains(span) { try check(span, in: "README.md") }
    }

    @Test(
        "every command of the site is one: those that are run, those for machines that a test has not, and those within the text")
    func articles() throws {
        let names = Set(CellarCommand.all.map(\.name))
        var count = 0
        for article in Article.all {
            // What is refused there is refused on purpose, and `ArticleSessionTests` runs it.
            let run = article.sessions.flatMap(\.entries).map(\.command).filter { !$0.contains("||") }
            let typed = (article.code(in: "sh") + article.code(in: "groovy")).flatMap { code in
                code.split(separator: "\n").map { String($0.drop { $0 == " " }) }.filter { $0.hasPrefix("cellar ") }
            }
            // What ends by printing is no command to the parser.
            let spans = article.spans.filter { $0.hasPrefix("cellar ") && !$0.hasPrefix("cellar --") && !names.contains($0) }
            for line in run + typed + spans {
                try check(line, in: article.name)
                count += 1
            }
        }
        #expect(count > 200)
    }

    @Test("every example of a help text is one")
    func examples() throws {
        let examples = CellarCommand.all.flatMap { command in
            command.type.configuration.discussion.split(separator: "\n").filter { $0.hasPrefix("cellar ") }
                .map { (command.name, String($0)) }
        }
        #expect(examples.count > 25)
        for (name, example) in examples {
            // What an example is for stands behind it, after two blanks.
            try check(example.firstMatch(of: /^(.*?)(?:  .*)?$/).map { String($0.1) } ?? example, in: "\(name) --help")
        }
    }

    @Test("an option that is none is refused")
    func refusal() {
        #expect(throws: (any Error).self) { try CellarCommand.parseAsRoot(["run", "--no-such-option"]) }
        #expect(ShellLine("cellar query 'SELECT") == nil)
        #expect(ShellLine("a 'b c'  # d\n&& \"e\\\"f\"")?.commands == [["a", "b c"], ["e\"f"]])
        #expect(ShellLine("a > b || c '>' '||' | d")?.commands == [["a"], ["c", ">", "||"], ["d"]])
    }
}
