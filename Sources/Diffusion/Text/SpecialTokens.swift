/// The tokens of a tokenizer that stand for no text: `special_tokens_map.json` and `tokenizer_config.json`.
struct SpecialTokens: Sendable {
    /// A token, written in a prompt.
    struct Token: Sendable, Hashable {
        let content: String
        /// Whether it is looked for in the normalised text (so in any case), or in the text as it came.
        let isNormalized: Bool
    }

    let start: Token
    let end: Token
    let padding: Token
    /// Every content once.
    let all: [Token]

    /// Either file may give each role, as text or as an object; the map wins.
    struct Keys: Decodable {
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

        var bos_token: Value?
        var eos_token: Value?
        var unk_token: Value?
        var pad_token: Value?
    }

    /// - Parameters:
    ///   - map: `special_tokens_map.json`
    ///   - config: `tokenizer_config.json`
    init(map: Keys, config: Keys) {
        let end = Token(content: "<|endoftext|>", isNormalized: false)
        let start = (map.bos_token ?? config.bos_token)?.token ?? Token(content: "<|startoftext|>", isNormalized: false)
        let roles = [
            start, (map.eos_token ?? config.eos_token)?.token ?? end, (map.unk_token ?? config.unk_token)?.token ?? end,
            (map.pad_token ?? config.pad_token)?.token ?? end,
        ]
        self.start = start
        self.end = roles[1]
        padding = roles[3]
        // Where two roles share a token, transformers looks for it as the later role says.
        all = roles.indices.compactMap { index in
            roles[(index + 1)...].contains { $0.content == roles[index].content } ? nil : roles[index]
        }
    }
}
