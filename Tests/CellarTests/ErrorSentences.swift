import Basics
import Foundation

/// The sentences of the errors that Swift sources make, read from their text: `VolumeError(.malformed, "has \(n) slices; write it again")`.
///
/// What a sentence takes in is `…`; of a choice (`a ? "x" : "y"`) both are there, with a slash between.
struct ErrorSentences {
    struct Sentence: Hashable {
        /// As the error has it: `malformed`; empty where it has the only one of its kind.
        let code: String
        let text: String

        /// What happened, and what to do: what stands behind the first semicolon or colon, as the house writes errors.
        var parts: (cause: String, cure: String) {
            for mark in ["; ", ": "] {
                if let range = text.range(of: mark), range.lowerBound > text.startIndex {
                    return (String(text[..<range.lowerBound]), String(text[range.upperBound...]))
                }
            }
            return (text, "")
        }
    }

    private let characters: [Character]
    private var place = 0

    private init(_ source: String) { characters = Array(source) }

    /// The sentences of a source, in its order.
    static func all(in source: String) -> [Sentence] {
        let source = source.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            // An example in a comment is no error.
            !line.drop { $0 == " " }.hasPrefix("//")
        }.joined(separator: "\n")
        return source.matches(of: /\b[A-Z][A-Za-z]*Error\(|\bself\.init\((?=\s*\.[a-z]+[A-Za-z]*,)/).compactMap { match in
            var reader = ErrorSentences(String(source[match.range.upperBound...].prefix(4000)))
            return reader.sentence()
        }
    }

    /// The arguments from here to the parenthesis that closes them: the code, and the first argument with a text.
    private mutating func sentence() -> Sentence? {
        var (code, text, between, depth) = ("", "", "", 0)
        var (hasText, isMistake) = (false, false)
        while place < characters.count {
            let character = characters[place]
            if character == "\"" {
                let literal = literal()
                if hasText {
                    text += between.contains(" : ") ? " / " : between.contains(where: { $0.isLetter }) ? "…" : ""
                } else if between.contains("+") {
                    text += "…"
                }
                (text, hasText, between) = (text + literal, true, "")
                continue
            }
            if character == ")" || character == "]" || character == "}" { depth -= 1 }
            if depth < 0 || (character == "," && depth == 0) {
                let argument = between.trimmingCharacters(in: .whitespacesAndNewlines)
                if !hasText, let found = argument.firstMatch(of: /^(mistake: *)?\.(.*)$/)?.output, code.isEmpty {
                    (isMistake, code) = (found.1 != nil, String(found.2))
                } else if hasText {
                    if between.contains("+") { text += "…" }
                    break
                }
                between = ""
                if depth < 0 { break }
            } else {
                between.append(character)
            }
            if character == "(" || character == "[" || character == "{" { depth += 1 }
            place += 1
        }
        let words = text.split { $0.isWhitespace }.joined(separator: " ")
        guard words.contains(where: { $0.isLetter }) else { return nil }
        // Where a code is a choice, either may be meant.
        return Sentence(
            code: code.contains(" ") ? "" : code,
            text: words.replacing("……", with: "…") + (isMistake ? "; \(reportMistake)" : ""))
    }

    /// The string literal from here on; the place is behind it afterwards.
    private mutating func literal() -> String {
        let isLong = characters[place...].starts(with: "\"\"\"")
        place += isLong ? 3 : 1
        var text = ""
        while place < characters.count {
            if isLong ? characters[place...].starts(with: "\"\"\"") : characters[place] == "\"" {
                place += isLong ? 3 : 1
                return text
            }
            if characters[place] == "\\", place + 1 < characters.count {
                place += 1
                if characters[place] == "(" {
                    skipParentheses()
                    text += "…"
                    continue
                }
                // A line that goes on, or a mark that is escaped.
                text += characters[place] == "\n" ? "" : characters[place] == "n" ? " " : String(characters[place])
            } else {
                text.append(characters[place])
            }
            place += 1
        }
        return text
    }

    /// From an opening parenthesis to behind the one that closes it; strings within may have any.
    private mutating func skipParentheses() {
        var depth = 0
        while place < characters.count {
            switch characters[place] {
            case "(": depth += 1
            case ")": depth -= 1
            case "\"":
                _ = literal()
                continue
            default: break
            }
            place += 1
            if depth == 0 { return }
        }
    }
}
