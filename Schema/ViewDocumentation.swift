import Basics

/// What `views.md` says of a public view: the same text for people and for programs.
///
/// A test of the schema compares the page with the database, so that its columns are those of the view, in order.
public struct ViewDocumentation: Hashable, Sendable {
    public struct Column: Hashable, Sendable {
        public let name: String
        /// `integer`, `real` or `text`.
        public let type: String
        /// `Å`, `nm`, `s`, …; nil where there is none.
        public let unit: String?
        /// Markdown; empty where the page says nothing more than of the column above.
        public let meaning: String
    }

    public let name: String
    /// What a row is, as Markdown in one line.
    public let about: String
    public let columns: [Column]

    /// Every public view, in the order of the page. What follows the views there, such as questions to begin with, has no columns.
    public static let all = parse(String(decoding: PackageResources.views_md, as: UTF8.self)).filter { !$0.columns.isEmpty }

    /// Reads a page: a heading of the second level for each view, paragraphs, and a table of column, type and meaning.
    static func parse(_ page: String) -> [ViewDocumentation] {
        var views: [ViewDocumentation] = []
        var (name, about, columns): (String?, [Substring], [Column]) = (nil, [], [])
        func end() {
            if let name { views.append(ViewDocumentation(name: name, about: about.joined(separator: " "), columns: columns)) }
            (about, columns) = ([], [])
        }
        for line in page.split(separator: "\n") {
            if line.hasPrefix("## ") {
                end()
                name = String(line.dropFirst(3))
            } else if line.hasPrefix("| `") {
                let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.trimmed }
                guard cells.count >= 5 else { continue }
                let type = cells[2].split(separator: ",", maxSplits: 1).map { $0.trimmed }
                // JSON is a form of text, and no unit.
                let unit = type.count > 1 && type[1] != "JSON" ? type[1] : nil
                let meaning = cells[3..<(cells.count - 1)].joined(separator: "|")
                columns.append(
                    Column(name: cells[1].filter { $0 != "`" }, type: type.first ?? "text", unit: unit, meaning: meaning))
            } else if name != nil, !line.hasPrefix("|") {
                about.append(line)
            }
        }
        end()
        return views
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
