public import Basics
import CatalogSchema
import Foundation
import Volumes

/// The parameters of all steps, each with a valid value.
public struct Recipe: Sendable, Hashable {
    /// A parameter by its full name, in the order of steps and declarations.
    public struct Entry: Sendable, Hashable {
        /// `step.group.parameter`
        public let key: String
        /// The group of the recipe: the name of a step, or that of a choice that several steps share.
        public let step: String
        public let parameter: ParameterDeclaration
    }

    public let entries: [Entry]
    private var values: [String: RecipeValue]
    /// The full names of retired parameters, which are ignored.
    let retired: Set<String>
    /// The full names of parameters, by the full names that they had in earlier versions.
    let renamed: [String: String]

    /// The defaults of all parameters of these steps.
    public init(steps: [any Step]) {
        var known: Set<String> = []
        let declared =
            steps.flatMap { step in
                step.conditions.compactMap(\.choice).map { Entry(key: $0.key, step: $0.group, parameter: $0.parameter) }
                    + step.parameters.map { Entry(key: "\(step.recipeGroup).\($0.name)", step: step.recipeGroup, parameter: $0) }
            }.filter { known.insert($0.key).inserted }
            + (steps.contains { $0.outputs.contains(where: \.isTransient) }
                ? [
                    Entry(
                        key: SpentArtifacts.budget.key, step: SpentArtifacts.budget.group,
                        parameter: SpentArtifacts.budget.parameter)
                ]
                : [])
        // What later steps add to the group of another one stands there.
        var groups: [String: [Entry]] = [:]
        for entry in declared { groups[entry.step, default: []].append(entry) }
        entries = declared.flatMap { groups.removeValue(forKey: $0.step) ?? [] }
        retired = Set(steps.flatMap { step in step.retiredParameters.map { "\(step.name).\($0)" } })
        renamed = Dictionary(
            steps.flatMap { step in step.renamedParameters.map { ("\(step.name).\($0.key)", $0.value) } },
            uniquingKeysWith: { first, _ in first })
        values = Dictionary(entries.map { ($0.key, $0.parameter.defaultValue) }, uniquingKeysWith: { first, _ in first })
    }

    /// The value of a parameter; nil where there is none of that name.
    public subscript(key: String) -> RecipeValue? { values[key] }

    /// Sets a parameter to a value that is given as text.
    ///
    /// - Throws: ``EngineError`` where there is no such parameter, or the value is of another type or out of range.
    public mutating func set(_ key: String, to word: String) throws(EngineError) {
        guard let entry = entries.first(where: { $0.key == key }) else {
            let hint = renamed[key].map { "it is \($0) now" } ?? suggestion(for: key)
            throw EngineError(.invalidRecipe, "there is no parameter \(key); \(hint)")
        }
        values[key] = try entry.parameter.value(parsing: word, key: key)
    }

    /// The parameters of a step by their names within it.
    func parameters(of step: any Step) -> [String: RecipeValue] {
        Dictionary(
            step.parameters.compactMap { parameter in
                values["\(step.recipeGroup).\(parameter.name)"].map { (parameter.name, $0) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Every parameter with its value as text.
    var texts: [String: String] { values.mapValues(\.text) }

    /// Every parameter with its value as text, as one JSON object with sorted keys.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(values.mapValues(\.text))) ?? Data("{}".utf8)
        return String(decoding: data, as: UTF8.self)
    }

    /// The digest of all values.
    public var digest: Digest { Digest(of: "cellar recipe 1\n\(json)".utf8) }

    /// The differences from the values of an earlier recipe, as text by key: parameters that were added, removed or changed. One that came later
    /// had the value before that says what its step did then.
    public func differences(from earlier: [String: String]) -> [(key: String, old: String?, new: String?)] {
        let now = values.mapValues(\.text)
        let implied = entries.compactMap { entry in entry.parameter.impliedBefore.map { (entry.key, $0) } }
        let earlier = earlier.isEmpty ? earlier : earlier.merging(implied) { first, _ in first }
        return Set(now.keys).union(earlier.keys).sorted().compactMap { key in
            now[key] == earlier[key] ? nil : (key, earlier[key], now[key])
        }
    }

    /// The values that differ from the defaults.
    public var differencesFromDefaults: [(key: String, old: String?, new: String?)] {
        differences(
            from: Dictionary(entries.map { ($0.key, $0.parameter.defaultValue.text) }, uniquingKeysWith: { first, _ in first }))
    }

    /// A hint at the parameter that was probably meant: the closest by edit distance among those with a similar name.
    private func suggestion(for key: String) -> String {
        let last = key.split(separator: ".").last.map(String.init) ?? key
        let close = entries.map(\.key).filter {
            $0.hasSuffix(".\(last)") || $0.contains(last) || NearestName.distance($0, key) <= 3
        }
        let best = close.min { NearestName.distance($0, key) < NearestName.distance($1, key) }
        guard let best else {
            return "`cellar recipe show` lists all"
        }
        return "did you mean \(best)?"
    }
}

/// A parameter of a step as a recipe has it: name, type and range, default, and meaning.
public struct ParameterDeclaration: Sendable, Hashable {
    /// The type and the range of a value.
    public enum Kind: Sendable, Hashable {
        case flag
        case integer(ClosedRange<Int>)
        case real(ClosedRange<Double>)
        /// One of some words.
        case choice([String])
        /// Any text, or one of a form.
        case text(TextCheck?)
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
    /// Of a parameter that came later: the value that says what steps did before there was it. With this value it is no part of the
    /// configuration, so that results from before stay fresh.
    public private(set) var impliedBefore: String?

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

    public static func choice(
        _ name: String, default value: String, of words: [String], impliedBefore: String? = nil, _ summary: String
    ) -> ParameterDeclaration {
        var declaration = ParameterDeclaration(name, .choice(words), .text(value), summary)
        declaration.impliedBefore = impliedBefore
        return declaration
    }

    public static func text(
        _ name: String, default value: String, form: TextCheck? = nil, _ summary: String
    ) -> ParameterDeclaration {
        ParameterDeclaration(name, .text(form), .text(value), summary)
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
        case .text(let form):
            if let fault = form?.fault(of: word) { throw EngineError(.invalidRecipe, "\(key): \(fault)") }
            return .text(word)
        case .model:
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
