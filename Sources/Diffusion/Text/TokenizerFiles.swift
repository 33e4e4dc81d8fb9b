internal import Basics
internal import Checkpoints

/// Reads the files of a `tokenizer` folder.
struct TokenizerFiles {
    let folder: String

    private var mergesPath: String { "\(folder)/merges.txt" }

    /// The ids of tokens, from `vocab.json`. They need not be contiguous.
    ///
    /// - Throws: ``DiffusionError`` if the file is missing or damaged.
    func vocabulary() throws(DiffusionError) -> [String: Int] {
        let path = "\(folder)/vocab.json"
        var vocabulary: [String: Int] = [:]
        do throws(CheckpointError) {
            var reader = JSONReader(try SidecarFile.bytes(path), path: path)
            try reader.readObject { (reader, token) throws(CheckpointError) in vocabulary[token] = try reader.readCount() }
            try reader.finish()
        } catch {
            throw DiffusionError(error)
        }
        return vocabulary
    }

    /// The encoding of `merges.txt` (a pair of tokens in each line) and its vocabulary.
    ///
    /// - Throws: ``DiffusionError`` if the file is missing or damaged, or the vocabulary lacks one of its tokens.
    func encoding(vocabulary: [String: Int]) throws(DiffusionError) -> BytePairEncoding {
        let bytes: [UInt8]
        do throws(CheckpointError) { bytes = try SidecarFile.bytes(mergesPath) } catch { throw DiffusionError(error) }
        var pairs: [(String, String)] = []
        var numbers: [Int] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty || index == 0 && line.starts(with: "#version".utf8) { continue }
            let parts = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
            guard parts.count == 2, let left = String(validating: parts[0], as: UTF8.self),
                let right = String(validating: parts[1], as: UTF8.self)
            else { throw flaw("line \(index + 1) is not two tokens of text with a space between them") }
            pairs.append((left, right))
            numbers.append(index + 1)
        }
        do throws(BytePairEncoding.Flaw) {
            return try BytePairEncoding(vocabulary: vocabulary, merges: pairs)
        } catch {
            guard let index = error.pairIndex else {
                throw DiffusionError(
                    .malformed, "has no token '\(error.token)' for a byte: get the file again", path: "\(folder)/vocab.json")
            }
            throw flaw("line \(numbers[index]) wants the token '\(error.token.prefix(80))', which vocab.json does not have")
        }
    }

    /// The special tokens of `special_tokens_map.json` and `tokenizer_config.json`. One of the files is enough.
    ///
    /// - Throws: ``DiffusionError`` if both files are missing, or one is damaged.
    func specialTokens() throws(DiffusionError) -> SpecialTokens {
        let names = ["special_tokens_map.json", "tokenizer_config.json"]
        var keys: [SpecialTokens.Keys?] = []
        for name in names {
            do throws(DiffusionError) {
                keys.append(try ConfigurationFile("\(folder)/\(name)").decode(SpecialTokens.Keys.self))
            } catch {
                guard error.code == .unreadable else { throw error }
                keys.append(nil)
            }
        }
        guard let map = keys[0] ?? keys[1], let config = keys[1] ?? keys[0] else {
            throw DiffusionError(
                .unreadable,
                "has neither \(names[0]) nor \(names[1]): the folder is no tokenizer, or an incomplete one; get all of its files",
                path: folder)
        }
        return SpecialTokens(map: map, config: config)
    }

    private func flaw(_ what: String) -> DiffusionError {
        DiffusionError(.malformed, "\(what): get vocab.json and merges.txt again, from the same place", path: mergesPath)
    }
}

/// The special tokens of a tokenizer: start, end, unknown and padding.
struct SpecialTokens: Sendable {
    /// A special token.
    struct Token: Sendable, Hashable {
        /// How a prompt spells it.
        let content: String
        /// Whether it is searched for in the normalised text, in lower case; otherwise in the original text.
        let isNormalized: Bool
    }

    let start: Token
    let end: Token
    let padding: Token
    /// All special tokens, each content once.
    let all: [Token]

    /// The keys of either file. A token is a string or an object.
    fileprivate struct Keys: Decodable {
        enum Value: Decodable {
            case text(String)
            case object(content: String, normalized: Bool)

            private enum CodingKeys: CodingKey { case content, normalized }

            init(from decoder: any Decoder) throws {
                if let text = try? decoder.singleValueContainer().decode(String.self) {
                    self = .text(text)
                } else {
                    let container = try decoder.container(keyedBy: CodingKeys.self)
                    self = .object(
                        content: try container.decode(String.self, forKey: .content),
                        normalized: try container.decodeIfPresent(Bool.self, forKey: .normalized) ?? true)
                }
            }

            var token: Token {
                switch self {
                case .text(let content): Token(content: content, isNormalized: false)
                case .object(let content, let normalized): Token(content: content, isNormalized: normalized)
                }
            }
        }

        var start: Value?
        var end: Value?
        var unknown: Value?
        var padding: Value?

        enum CodingKeys: String, CodingKey {
            case start = "bos_token"
            case end = "eos_token"
            case unknown = "unk_token"
            case padding = "pad_token"
        }
    }

    /// Takes each token from `map` if it has it, otherwise from `config`, otherwise CLIP's.
    ///
    /// - Parameters:
    ///   - map: `special_tokens_map.json`
    ///   - config: `tokenizer_config.json`
    fileprivate init(map: Keys, config: Keys) {
        let end = Token(content: Self.endContent, isNormalized: false)
        self.init(
            start: (map.start ?? config.start)?.token ?? Token(content: Self.startContent, isNormalized: false),
            end: (map.end ?? config.end)?.token ?? end, unknown: (map.unknown ?? config.unknown)?.token ?? end,
            padding: (map.padding ?? config.padding)?.token ?? end)
    }

    private static let (startContent, endContent) = ("<|startoftext|>", "<|endoftext|>")

    /// The special tokens in the folders of Stable Diffusion 1 and 2: they differ in the padding only.
    static func clip(of generation: OriginalLayout.Generation) -> SpecialTokens {
        let end = Token(content: endContent, isNormalized: true)
        return SpecialTokens(
            start: Token(content: startContent, isNormalized: true), end: end, unknown: end,
            padding: Token(content: generation == .first ? endContent : "!", isNormalized: false))
    }

    private init(start: Token, end: Token, unknown: Token, padding: Token) {
        let roles = [start, end, unknown, padding]
        (self.start, self.end, self.padding) = (start, end, padding)
        // If two roles have the same content, transformers searches for it as the later role's `normalized` says.
        all = roles.indices.compactMap { index in
            roles[(index + 1)...].contains { $0.content == roles[index].content } ? nil : roles[index]
        }
    }
}
