internal import Basics
public import CatalogSchema

/// A parameter of a step as a recipe has it: name, type and range, default, and meaning.
public struct ParameterDeclaration: Sendable, Hashable {
    /// The type and the range of a value.
    public enum Kind: Sendable, Hashable {
        case flag
        case integer(ClosedRange<Int>)
        case real(ClosedRange<Double>)
        /// One of some words.
        case choice([String])
        case text
        /// The name of a model of the catalog, of this kind (`diffusion`, `cellpose`); its digest enters the key.
        case model(kind: String)
    }

    /// The value of a parameter for a model where none is chosen.
    public static let noModel = "none"

    /// The part of the name before its last dot; the whole name where it has none.
    var group: Substring { name.lastIndex(of: ".").map { name[..<$0] } ?? name[...] }

    var isModel: Bool { if case .model = kind { true } else { false } }

    /// The name within the step, in groups: `clahe.clip_limit`.
    public let name: String
    public let kind: Kind
    public let defaultValue: RecipeValue
    /// One line for people: its meaning and unit.
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

    /// Parses a value of this parameter.
    ///
    /// - Parameter key: the full name, for the message.
    /// - Throws: ``EngineError`` where the text is of another type or out of range.
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

    /// The type and the range of a value, in words.
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

/// A parameter of a step, with the type of the value that the step reads.
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

    /// An upper limit. 0 in the recipe means no limit; the step reads infinity then.
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
    /// One of the cases of an enumeration; the recipe has their raw values.
    public static func choice(_ name: String, default value: Value, _ summary: String) -> Parameter {
        let words = Value.allCases.map(\.rawValue)
        return Parameter(declaration: .choice(name, default: value.rawValue, of: words, summary)) { value, _ in
            if case .text(let word) = value { Value(rawValue: word) } else { nil }
        }
    }
}

extension Parameter where Value == ModelRecord? {
    /// A model of the catalog of this kind. The recipe has its name; the step reads its record, or nil where none is chosen.
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

    /// The value as text, in recipes, keys and tables: a real that is whole keeps its `.0`, so that it differs from an integer.
    public var text: String {
        switch self {
        case .flag(let flag): "\(flag)"
        case .integer(let integer): "\(integer)"
        case .real(let real): "\(real)"
        case .text(let text): text
        }
    }
}
