public import Basics
internal import Checkpoints
internal import Foundation

/// Turns a prompt into the 77 token ids that CLIP's text encoder takes.
///
/// ```swift
/// let tokenizer = try Tokenizer(folder: "sd15/tokenizer")
/// let identifiers = try tokenizer.encode("a photo of an astronaut")  // 77 of them
/// ```
///
/// The ids are those of `CLIPTokenizer` of transformers 5. Earlier versions repair broken text with `ftfy`, so their ids may
/// differ for such text.
public struct Tokenizer: Sendable {
    /// The number of ids of every prompt, with start, end and padding: 77 in CLIP.
    public static let length = 77
    /// The most UTF-8 bytes of a prompt. A longer prompt is refused: 77 tokens cannot hold so much text.
    public static let promptByteLimit = 10_000

    /// The id before the first word.
    public let start: Int
    /// The id after the last word.
    public let end: Int
    /// The id after the end, repeated up to 77 ids: that of the end in Stable Diffusion 1, 0 in Stable Diffusion 2.
    public let padding: Int

    private let encoding: BytePairEncoding
    /// All special tokens and their ids.
    private let specials: [(token: SpecialTokens.Token, id: Int)]
    private let path: String

    /// Reads a folder with `vocab.json`, `merges.txt`, and `special_tokens_map.json` or `tokenizer_config.json` or both.
    ///
    /// - Throws: ``DiffusionError`` if a file is missing or damaged, or the files do not belong together.
    public init(folder: String) throws(DiffusionError) {
        try self.init(folder: folder, specialTokens: nil)
    }

    /// The same with special tokens that are known: then `vocab.json` and `merges.txt` are enough.
    init(folder: String, specialTokens: SpecialTokens?) throws(DiffusionError) {
        path = folder
        let files = TokenizerFiles(folder: folder)
        let vocabulary = try files.vocabulary()
        encoding = try files.encoding(vocabulary: vocabulary)
        let tokens: SpecialTokens
        if let specialTokens { tokens = specialTokens } else { tokens = try files.specialTokens() }
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

    /// The 77 ids of a prompt: start, the tokens of its words, end, padding. Tokens after the 75th are cut off.
    ///
    /// - Throws: ``DiffusionError`` if the prompt has more than ``promptByteLimit`` bytes.
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

    /// The ids of a text that may spell out special tokens. The closure encodes the text between them.
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
            // The longest special token that begins here.
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

/// Normalises a text and splits it into words, as CLIP's tokenizer does before it encodes words.
///
/// The rules are those of `CLIPTokenizer` of transformers 5: canonical composition (NFC) and lower case; then, from left to
/// right, a word is an English ending with its apostrophe, a run of letters, a single digit, or a run of other characters that
/// are not white space.
private enum WordSplitter {
    /// CLIP's special tokens by name. Where a text spells one that is not a special token of this folder, it becomes three words:
    /// `<|`, the name, `|>`.
    private static let markers = ["startoftext", "endoftext"].map { (name: $0, scalars: Array("<|\($0)|>".unicodeScalars)) }
    private static let endings = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].map { Array($0.unicodeScalars) }

    /// The text composed (NFC) and in lower case. Each character is lowered by itself, so the rule for a sigma at the end of a
    /// word does not apply.
    static func normalize(_ text: String) -> String {
        var lower = String.UnicodeScalarView()
        for scalar in text.precomposedStringWithCanonicalMapping.unicodeScalars {
            lower.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        }
        return String(lower)
    }

    /// The words of a normalised text.
    static func words(of text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        var words: [String] = []
        var start = 0
        while start < scalars.count {
            if let marker = markers.first(where: { scalars[start...].starts(with: $0.scalars) }) {
                words += ["<|", marker.name, "|>"]
                start += marker.scalars.count
                continue
            }
            var end = start + 1
            let kind = Kind(scalars[start])
            if let ending = endings.first(where: { scalars[start...].starts(with: $0) }) {
                end = start + ending.count
            } else if kind == .letter || kind == .other {
                while end < scalars.count, Kind(scalars[end]) == kind { end += 1 }
            }
            if kind != .space {
                var word = String.UnicodeScalarView()
                word.append(contentsOf: scalars[start..<end])
                words.append(String(word))
            }
            start = end
        }
        return words
    }

    private enum Kind {
        case space, letter, number, other

        init(_ scalar: Unicode.Scalar) {
            if scalar.properties.isWhitespace {
                self = .space
                return
            }
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
            case .decimalNumber, .letterNumber, .otherNumber: self = .number
            default: self = .other
            }
        }
    }
}
