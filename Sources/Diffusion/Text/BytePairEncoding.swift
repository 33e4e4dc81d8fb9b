/// Byte pair encoding of words as CLIP has it (Sennrich, Haddow and Birch, 2016; Radford et al., 2021): a word is its UTF-8
/// bytes, the last one marked as such, and the earliest learned of all pairs that lie side by side is joined again and again.
struct BytePairEncoding: Sendable {
    /// What a token carries that ends a word.
    static let endOfWord = "</w>"

    /// The symbols with which the files of a vocabulary write bytes: printable ones as themselves, all others as U+0100 and on.
    static let byteSymbols: [String] = {
        var next: UInt32 = 0x100
        return (UInt32(0)...255).map { byte in
            if (33...126).contains(byte) || (161...172).contains(byte) || (174...255).contains(byte) {
                return Unicode.Scalar(byte).map(String.init) ?? ""
            }
            defer { next += 1 }
            return Unicode.Scalar(next).map(String.init) ?? ""
        }
    }()

    private struct Merge: Sendable {
        let rank: Int
        let token: Int
    }

    private struct Pair: Hashable {
        let left: Int
        let right: Int
    }

    /// By byte, inside a word and at its end.
    private let inner: [Int]
    private let last: [Int]
    private let merges: [Pair: Merge]

    /// - Parameters:
    ///   - vocabulary: Ids by token.
    ///   - merges: Pairs of tokens, the earliest learned first.
    /// - Throws: `Flaw` where a byte or a part of a pair is no token.
    init(vocabulary: [String: Int], merges pairs: [(String, String)]) throws(Flaw) {
        func id(_ token: String, line: Int?) throws(Flaw) -> Int {
            guard let id = vocabulary[token] else { throw Flaw(token: token, pairIndex: line) }
            return id
        }
        var inner: [Int] = []
        var last: [Int] = []
        for symbol in Self.byteSymbols {
            inner.append(try id(symbol, line: nil))
            last.append(try id(symbol + Self.endOfWord, line: nil))
        }
        var merges: [Pair: Merge] = [:]
        merges.reserveCapacity(pairs.count)
        for (index, (left, right)) in pairs.enumerated() {
            let pair = Pair(left: try id(left, line: index), right: try id(right, line: index))
            merges[pair] = Merge(rank: index, token: try id(left + right, line: index))
        }
        self.inner = inner
        self.last = last
        self.merges = merges
    }

    /// A token that a vocabulary lacks.
    struct Flaw: Error {
        let token: String
        /// Which pair wants it; nil for a byte.
        let pairIndex: Int?
    }

    /// The ids of a word.
    ///
    /// - Complexity: O(n²) for n bytes, with a small constant.
    func encode(_ word: String) -> [Int] {
        var tokens = word.utf8.map { inner[Int($0)] }
        guard let end = word.utf8.last else { return [] }
        tokens[tokens.count - 1] = last[Int(end)]
        func merge(at index: Int) -> Merge? {
            guard index >= 0, index + 1 < tokens.count else { return nil }
            return merges[Pair(left: tokens[index], right: tokens[index + 1])]
        }
        // candidates[i] joins tokens i and i + 1.
        var candidates = (0..<tokens.count - 1).map(merge)
        while true {
            var best: (index: Int, merge: Merge)?
            for (index, candidate) in candidates.enumerated() {
                if let candidate, candidate.rank < best?.merge.rank ?? .max { best = (index, candidate) }
            }
            guard let best else { return tokens }
            tokens[best.index] = best.merge.token
            tokens.remove(at: best.index + 1)
            candidates.remove(at: best.index)
            if best.index > 0 { candidates[best.index - 1] = merge(at: best.index - 1) }
            if best.index < candidates.count { candidates[best.index] = merge(at: best.index) }
        }
    }
}
