import Foundation

/// Takes paths out of texts that leave the laboratory: of each, the last component stays.
///
/// Folders that are known become a word (`CATALOG`), and what lies in them keeps its path from there; of any other absolute path nothing
/// stays but `…/` and its last component. A path with spaces in it is seen as a whole in quotation marks; elsewhere it ends at its first
/// space, and what follows stays. URLs stay as they are.
struct PathScrubber {
    /// Folders, the longest first, with their words.
    private let folders: [(path: String, word: String)]

    /// - Parameter folders: paths of folders, by the words that take their place.
    init(folders: [String: String]) {
        self.folders = folders.filter { $0.value.count > 1 }.map { (path: $0.value, word: $0.key) }
            .sorted { ($0.path.utf8.count, $0.path) > ($1.path.utf8.count, $1.path) }
    }

    func scrubbed(_ text: String) -> String {
        var text = text
        for (path, word) in folders {
            // The folder itself: neither one whose name begins like it, nor one of that name elsewhere.
            text = text.replacingOccurrences(
                of: #"(?<![\p{L}\p{N}_./-])"# + NSRegularExpression.escapedPattern(for: path) + #"(?![\p{L}\p{N}_.-])"#,
                with: word,
                options: .regularExpression)
        }
        // In quotation marks a path may have spaces.
        text = text.replacing(#/(["'])(\/[^"'\n]*)(["'])/#) { match in
            "\(match.output.1)\(Self.last(String(match.output.2)))\(match.output.3)"
        }
        return text.replacing(
            #/(?<before>^|[^\p{L}\p{N}_:\/.…~])(?<path>\/[^\s"'`,;()<>|]*[^\s"'`,;:.()<>|])/#.anchorsMatchLineEndings()
        ) {
            "\($0.output.before)\(Self.last(String($0.output.path)))"
        }
    }

    private static func last(_ path: String) -> String {
        "…/" + (path.split(separator: "/").last.map(String.init) ?? "")
    }
}
