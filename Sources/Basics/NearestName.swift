/// Which of some names was probably meant by a word that is none of them.
package enum NearestName {
    /// The name with the fewest edits, where these are at most three, and fewer than the word has letters.
    package static func of(_ word: String, among names: some Sequence<String>) -> String? {
        let limit = min(3, word.utf8.count - 1)
        let best = names.map { (name: $0, distance: distance($0, word)) }.min { ($0.distance, $0.name) < ($1.distance, $1.name) }
        return best.flatMap { $0.distance <= limit ? $0.name : nil }
    }

    /// The Levenshtein distance of two words: the least number of edits of single bytes.
    package static func distance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let substitution = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
