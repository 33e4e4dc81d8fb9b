internal import Basics
public import CatalogSchema

/// A parameter of a step as the recipe knows it: its name, what it may be, its default, and what it means.
public struct ParameterDeclaration: Sendable, Hashable {
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

    /// What stands before the last dot of the name, or the name where it has none.
    var group: Substring { name.lastIndex(of: ".").map { name[..<$0] } ?? name[...] }

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

    public static func flag(_ name: String, default value: Bool, _ summary: String) -> ParameterDeclaration {
        ParameterDeclaration(name, .flag, .flag(value), summary)
    }

    public static func integer(_ name: String, default value: Int, in range: ClosedRange<Int>, _ summary: String)
        -> ParameterDeclaration
    {
        ParameterDeclaration(name, .integer(range), .integer(value), summary)
    }

    public static func real(_ name: String, default value: Double, in range: ClosedRange<Double>, _ summary: String)
        -> ParameterDeclaration
    {
        ParameterDeclaration(name, .real(range), .real(value), summary)
    }

    public static func choice(_ name: String, default value: String, of words: [String], _ summary: String)
        -> ParameterDeclaration
    {
        ParameterDeclaration(name, .choice(words), .text(value), summary)
    }

    public static func text(_ name: String, default value: String, _ summary: String) -> ParameterDeclaration {
        ParameterDeclaration(name, .text, .text(value), summary)
    }

    public static func model(_ name: String, kind: String, default value: String = noModel, _ summary: String)
        -> ParameterDeclaration
    {
        ParameterDeclaration(name, .model(kind: kind), .text(value), summary)
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

/// A parameter of a step, with the type that the step reads it as.
///
/// ```swift
/// struct Parameters: Sendable {
///     let clipLimit = Parameter.real("clahe.clip_limit", default: 2, in: 0...100, "contrast limit of CLAHE; 0 for no limit")
///     let method = Parameter<Method>.choice("method", default: .otsu, "one threshold for the slice, or one for each pixel")
/// }
/// ```
public struct Parameter<Value: Sendable>: Sendable {
    let declaration: ParameterDeclaration
    let read: @Sendable (RecipeValue, _ models: [String: ModelRecord]) -> Value?
}

protocol DeclaredParameter { var declaration: ParameterDeclaration { get } }
extension Parameter: DeclaredParameter {}

extension Parameter where Value == Bool {
    public static func flag(_ name: String, default value: Bool, _ summary: String) -> Parameter {
        Parameter(declaration: .flag(name, default: value, summary)) { value, _ in
            if case .flag(let flag) = value { flag } else { nil }
        }
    }
}

extension Parameter where Value == Int {
    public static func integer(_ name: String, default value: Int, in range: ClosedRange<Int>, _ summary: String) -> Parameter {
        Parameter(declaration: .integer(name, default: value, in: range, summary)) { value, _ in
            if case .integer(let integer) = value { integer } else { nil }
        }
    }
}

extension Parameter where Value == Double {
    public static func real(
        _ name: String, default value: Double, in range: ClosedRange<Double>, _ summary: String
    ) -> Parameter {
        Parameter(declaration: .real(name, default: value, in: range, summary)) { value, _ in
            if case .real(let real) = value { real } else { nil }
        }
    }

    /// An upper limit, where the recipe's 0 says that there is none: the step reads infinity then.
    public static func limit(
        _ name: String, default value: Double, in range: ClosedRange<Double>, _ summary: String
    ) -> Parameter {
        Parameter(declaration: .real(name, default: value, in: range, summary)) { value, _ in
            if case .real(let real) = value { real > 0 ? real : .infinity } else { nil }
        }
    }
}

extension Parameter where Value == String {
    public static func text(_ name: String, default value: String, _ summary: String) -> Parameter {
        Parameter(declaration: .text(name, default: value, summary)) { value, _ in
            if case .text(let text) = value { text } else { nil }
        }
    }
}

extension Parameter where Value: RawRepresentable<String> & CaseIterable {
    /// One of the cases, which the recipe writes as their raw values.
    public static func choice(_ name: String, default value: Value, _ summary: String) -> Parameter {
        let words = Value.allCases.map(\.rawValue)
        return Parameter(declaration: .choice(name, default: value.rawValue, of: words, summary)) { value, _ in
            if case .text(let word) = value { Value(rawValue: word) } else { nil }
        }
    }
}

extension Parameter where Value == ModelRecord? {
    /// The name of a model of the catalog, of this kind; the step reads its record, and nil where none is chosen.
    public static func model(_ name: String, kind: String, _ summary: String) -> Parameter {
        Parameter(declaration: .model(name, kind: kind, summary)) { value, models in
            if case .text(let model) = value { .some(models[model]) } else { nil }
        }
    }
}

/// Reads the parameters of an item by the names of the structure that declares them.
@dynamicMemberLookup
public struct ParameterValues<Declarations> {
    private let item: StepItem
    private let declarations: Declarations

    init(_ item: StepItem, _ declarations: Declarations) {
        self.item = item
        self.declarations = declarations
    }

    public subscript<Value>(dynamicMember path: KeyPath<Declarations, Parameter<Value>>) -> Value {
        get throws { try item.value(of: declarations[keyPath: path]) }
    }

    public subscript<Group: DeclarationGroup>(dynamicMember path: KeyPath<Declarations, Group>) -> ParameterValues<Group> {
        ParameterValues<Group>(item, declarations[keyPath: path])
    }
}

/// The value of a parameter.
public enum RecipeValue: Hashable, Sendable {
    case flag(Bool)
    case integer(Int)
    case real(Double)
    case text(String)

    /// The value as recipes, keys and people write it: a whole real keeps its `.0`, so that text tells types apart.
    public var text: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .integer(let integer): "\(integer)"
        case .real(let real): "\(real)"
        case .text(let text): text
        }
    }
}
