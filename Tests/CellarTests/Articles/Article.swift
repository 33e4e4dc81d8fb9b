import Foundation
import TestSupport
import Testing

/// An article or tutorial of the site: a page of Markdown in `Sources/CellarKit/CellarKit.docc`.
struct Article: Sendable, CustomTestStringConvertible {
    /// How links name it: the name of its file.
    let name: String
    let text: String
    static let folder = "Sources/CellarKit/CellarKit.docc"
    /// Where the pictures lie.
    static let resources = "\(folder)/Resources"

    var testDescription: String { name }

    /// All pages, sorted by name.
    static let all: [Article] = {
        let names = FileManager.default.enumerator(atPath: Repository.file(folder))?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".md") }.sorted().compactMap { path in
            guard let text = try? Repository.text(of: "\(folder)/\(path)") else { return nil }
            return Article(name: URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent, text: text)
        }
    }()

    static func named(_ name: String) throws -> Article { try #require(all.first { $0.name == name }, "no article \(name)") }

    /// The blocks ```` ```console ````: commands that a test runs.
    var sessions: [ConsoleBlock] { ConsoleBlock.all(in: text) }

    /// The contents of blocks of code of a language, in order.
    func code(in language: String) -> [String] {
        var (blocks, current): ([String], [Substring]?) = ([], nil)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let lines = current {
                if line == "```" {
                    blocks.append(lines.joined(separator: "\n") + "\n")
                    current = nil
                } else {
                    current = lines + [line]
                }
            } else if line == "```\(language)" {
                current = []
            }
        }
        return blocks
    }

    /// The text without its blocks of code.
    var prose: String {
        var (lines, isCode): ([Substring], Bool) = ([], false)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.drop(while: { $0 == " " }).hasPrefix("```") { isCode.toggle() } else if !isCode { lines.append(line) }
        }
        return lines.joined(separator: "\n")
    }

    /// What stands between single back ticks in the prose; symbols of the library have two.
    var spans: [String] { prose.replacing(/``[^`]*``/, with: "").matches(of: /`([^`\n]+)`/).map { String($0.1) } }

    /// The statements of the blocks ```` ```sql ````, each with the heading above it.
    var queries: [(heading: String, sql: String)] {
        var (queries, heading, sql): ([(String, String)], String, String?) = ([], "", nil)
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let statement = sql {
                if line == "```" {
                    for part in statement.split(separator: ";") where part.contains("SELECT") {
                        queries.append((heading, String(part)))
                    }
                    sql = nil
                } else {
                    sql = statement + line + "\n"
                }
            } else if line == "```sql" {
                sql = ""
            } else if line.hasPrefix("#") {
                heading = String(line.drop { $0 == "#" || $0 == " " })
            }
        }
        return queries
    }
}
