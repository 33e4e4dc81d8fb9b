public import Basics
internal import Checkpoints

/// Turns a prompt into the numbers that CLIP's text encoder takes.
///
/// ```swift
/// let tokenizer = try Tokenizer(folder: "sd15/tokenizer")
/// let identifiers = try tokenizer.encode("a photo of an astronaut")  // 77 of them
/// ```
///
/// The same ids as `CLIPTokenizer` of transformers 5 gives, which differs from its predecessors with `ftfy` in what it makes of
/// broken text.
public struct Tokenizer: Sendable {
    /// How many ids a prompt has, start, end and padding among them: CLIP's 77.
    public static let length = 77
    /// Longer prompts are refused: 77 tokens cannot say so much.
    public static let promptByteLimit = 10_000

    /// The id before the first word.
    public let start: Int
    /// The id after the last word.
    public let end: Int
    /// The id that fills up: that of the end in Stable Diffusion 1, 0 in Stable Diffusion 2.
    public let padding: Int

    private let encoding: BytePairEncoding
    /// Special tokens with their ids.
    private let specials: [(token: SpecialTokens.Token, id: Int)]
    private let path: String

    /// Opens a folder with `vocab.json`, `merges.txt` and either of `special_tokens_map.json` and `tokenizer_config.json`.
    ///
    /// - Throws: ``DiffusionError`` where a file is missing or damaged, or the files do not belong together.
    public init(folder: String) throws(DiffusionError) {
        path = folder
        let files = TokenizerFiles(folder: folder)
        let vocabulary = try files.vocabulary()
        encoding = try files.encoding(vocabulary: vocabulary)
        let tokens = try files.specialTokens()
        func id(_ token: SpecialTokens.Token) throws(DiffusionError) -> Int {
            guard let id = vocabulary[token.content], !token.content.isEmpty else {
                throw DiffusionError(
                    .malformed, "has no token '\(token.content.prefix(80))' in its vocabulary: get the tokenizer's files again",
                    path: folder)
            }
            return id
        }
        start = try id(tokens.start)
        end = try id(tokens.end)
        padding = try id(tokens.padding)
        var specials: [(token: SpecialTokens.Token, id: Int)] = []
        for token in tokens.all { specials.append((token, try id(token))) }
        self.specials = specials
    }

    /// The ids of a prompt: start, words, end, padding; 77 in all. Words that are too many are cut off.
    ///
    /// - Throws: ``DiffusionError`` where the prompt has more than ``promptByteLimit`` bytes.
    public func encode(_ prompt: String) throws(DiffusionError) -> [Int] {
        guard prompt.utf8.count <= Self.promptByteLimit else {
            throw DiffusionError(
                .invalidInput,
                "takes no prompt of \(prompt.utf8.count) bytes: only \(Self.length - 2) tokens count, so shorten it", path: path)
        }
        let words = split(prompt, at: specials.filter { !$0.token.isNormalized }) { text in
            split(WordSplitter.normalize(text), at: specials.filter(\.token.isNormalized)) { text in
                WordSplitter.words(of: text).flatMap(encoding.encode)
            }
        }
        let identifiers = [start] + words.prefix(Self.length - 2) + [end]
        return identifiers + Array(repeating: padding, count: Self.length - identifiers.count)
    }

    /// Special tokens that a text spells out become their ids; the closure encodes what lies between them.
    private func split(
        _ text: String, at specials: [(token: SpecialTokens.Token, id: Int)], encode: (String) -> [Int]
    ) -> [Int] {
        var identifiers: [Int] = []
        var rest = text.unicodeScalars[...]
        var between = String.UnicodeScalarView()
        func flush() {
            identifiers += encode(String(between))
            between = String.UnicodeScalarView()
        }
        while let scalar = rest.first {
            // The longest that begins here.
            let found = specials.filter { rest.starts(with: $0.token.content.unicodeScalars) }
                .max { $0.token.content.unicodeScalars.count < $1.token.content.unicodeScalars.count }
            if let found {
                flush()
                identifiers.append(found.id)
                rest = rest.dropFirst(found.token.content.unicodeScalars.count)
            } else {
                between.append(scalar)
                rest = rest.dropFirst()
            }
        }
        flush()
        return identifiers
    }
}
