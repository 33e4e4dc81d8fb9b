import Foundation
import Testing

/// A block ```` ```console ```` of a document: commands behind `$ `, each with what it printed.
struct ConsoleBlock {
    struct Entry {
        /// As it stands there; over several lines where a quotation goes on.
        var command: String
        var output: [String]
    }

    let entries: [Entry]

    /// All blocks of a text in Markdown, in order; blocks may be indented.
    static func all(in text: String) -> [ConsoleBlock] {
        var blocks: [ConsoleBlock] = []
        var (entries, indentation): ([Entry], Int?) = ([], nil)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let content = line.drop { $0 == " " }
            guard let depth = indentation else {
                if content == "```console" { (entries, indentation) = ([], line.count - content.count) }
                continue
            }
            let shown = String(line.dropFirst(min(depth, line.count - content.count)))
            if content == "```" {
                blocks.append(ConsoleBlock(entries: entries))
                indentation = nil
            } else if let last = entries.last, ShellLine(last.command) == nil {
                entries[entries.count - 1].command += "\n" + shown
            } else if shown.hasPrefix("$ ") {
                entries.append(Entry(command: String(shown.dropFirst(2)), output: []))
            } else if !entries.isEmpty {
                entries[entries.count - 1].output.append(shown)
            }
        }
        return blocks
    }
}

/// A line as a shell reads it: commands with `&&`, `||`, `|` or `;` between them, each a list of words, without what `>` leads to. Patterns and
/// variables stay as they are.
struct ShellLine {
    let commands: [[String]]

    /// nil where a quotation does not end.
    init?(_ text: String) {
        var (commands, words): ([[String]], [String]) = ([], [])
        var (word, quote, isEscaped, isComment): (String?, Character?, Bool, Bool) = (nil, nil, false, false)
        var (isQuoted, isTarget) = (false, false)
        for character in text + "\n" {
            if isComment {
                isComment = character != "\n"
            } else if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "'" || character == "\"" {
                (quote, word, isQuoted) = (character, word ?? "", true)
            } else if character == "#", word == nil {
                isComment = true
            } else if character == " " || character == "\n" {
                if let word {
                    if !isQuoted, ["&&", "||", "|", ";"].contains(word) {
                        (commands, words) = (commands + [words], [])
                    } else if !isQuoted, word == ">" {
                        isTarget = true
                    } else if isTarget {
                        isTarget = false
                    } else {
                        words.append(word)
                    }
                }
                (word, isQuoted) = (nil, false)
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { return nil }
        self.commands = commands + [words]
    }
}
