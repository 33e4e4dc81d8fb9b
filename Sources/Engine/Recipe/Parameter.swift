import Basics

/// A value that a step reads from the recipe: its name, what it may be, what it is unless someone says otherwise, and
/// what it means.
public struct Parameter: Sendable, Hashable {
    /// What a value may be.
    public enum Kind: Sendable, Hashable {
        case flag
        case integer(ClosedRange<Int>)
        case real(ClosedRange<Double>)
        /// One of a few words.
        case choice([String])
        case text
        /// The name of a model of the catalog, of this kind (`diffusion`, `cellpose`); its digest enters the key.
        case model(kind: String)
    }

    /// The value of a model's parameter where no model is chosen.
    public static let noModel = "none"

    var isModel: Bool { if case .model = kind { true } else { false } }

    /// The name within the step, in groups: `clahe.clip_limit`.
    public let name: String
    public let kind: Kind
    public let defaultValue: RecipeValue
    /// One line for people: what it is, and its unit.
    public let summary: String

    private init(_ name: String, _ kind: Kind, _ defaultValue: RecipeValue, _ summary: String) {
        self.name = name
        self.kind = kind
        self.defaultValue = defaultValue
        self.summary = summary
    }

    public static func flag(_ name: String, default value: Bool, _ summary: String) -> Parameter {
        Parameter(name, .flag, .flag(value), summary)
    }

    public static func integer(_ name: String, default value: Int, in range: ClosedRange<Int>, _ summary: String) -> Parameter {
        Parameter(name, .integer(range), .integer(value), summary)
    }

    public static func real(_ name: String, default value: Double, in range: ClosedRange<Double>, _ summary: String) -> Parameter
    {
        Parameter(name, .real(range), .real(value), summary)
    }

    public static func choice(_ name: String, default value: String, of words: [String], _ summary: String) -> Parameter {
        Parameter(name, .choice(words), .text(value), summary)
    }

    public static func text(_ name: String, default value: String, _ summary: String) -> Parameter {
        Parameter(name, .text, .text(value), summary)
    }

    public static func model(_ name: String, kind: String, default value: String = noModel, _ summary: String) -> Parameter {
        Parameter(name, .model(kind: kind), .text(value), summary)
    }

    /// The value that a word means for this parameter.
    ///
    /// - Parameter key: the full name, for the message.
    /// - Throws: ``EngineError`` where the word is no such value, or out of range.
    func value(parsing word: String, key: String) throws(EngineError) -> RecipeValue {
        switch kind {
        case .flag:
            switch word.lowercased() {
            case "true", "yes", "on": return .flag(true)
            case "false", "no", "off": return .flag(false)
            default: break
            }
        case .integer(let range):
            if let integer = Int(word), range.contains(integer) { return .integer(integer) }
        case .real(let range):
            if let real = Double(word), range.contains(real) { return .real(real) }
        case .choice(let words):
            if words.contains(word) { return .text(word) }
        case .text, .model:
            return .text(word)
        }
        throw EngineError(.invalidRecipe, "\(key) cannot be \"\(word)\": it is \(expectation)")
    }

    /// What a value may be, in words.
    public var expectation: String {
        switch kind {
        case .flag: "true or false"
        case .integer(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .real(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .choice(let words): "one of " + words.joined(separator: ", ")
        case .text: "a text"
        case .model(let kind): "the name of a \(kind) model (`cellar model list`), or \(Self.noModel)"
        }
    }
}
