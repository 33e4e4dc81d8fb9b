/// Byte pair encoding of words as in CLIP (Sennrich, Haddow and Birch, 2016; Radford et al., 2021). A word begins as the tokens
/// of its UTF-8 bytes, the last one marked as the end of a word. Then, of all adjacent pairs that `merges.txt` lists, the
/// earliest in the list is merged into one token, until no pair is left that can be merged.
struct BytePairEncoding: Sendable {
    /// The suffix of tokens that end a word.
    static let endOfWord = "</w>"

    /// The characters that stand for the bytes 0 to 255 in the files of a vocabulary: a printable byte for itself, each other
    /// byte for the next character from U+0100 on.
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

    /// The token of each byte inside a word.
    private let inner: [Int]
    /// The token of each byte at the end of a word.
    private let last: [Int]
    private let merges: [Pair: Merge]

    /// - Parameters:
    ///   - vocabulary: The ids of tokens.
    ///   - merges: Pairs of tokens that are merged, in the order of `merges.txt`.
    /// - Throws: `Flaw` if the vocabulary has no token for a byte, a part of a pair, or a merged pair.
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

    /// A token that is missing in a vocabulary.
    struct Flaw: Error {
        let token: String
        /// The index of the pair that needs it; nil for a byte.
        let pairIndex: Int?
    }

    /// The ids of the tokens of a word.
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
        // candidates[i] merges tokens i and i + 1.
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
