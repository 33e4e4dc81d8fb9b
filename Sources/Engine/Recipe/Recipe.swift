public import Basics
import Foundation
internal import Volumes

/// The parameters of all steps, each with a valid value.
public struct Recipe: Sendable, Hashable {
    /// A parameter by its full name, in the order of steps and declarations.
    public struct Entry: Sendable, Hashable {
        /// `step.group.parameter`
        public let key: String
        public let step: String
        public let parameter: ParameterDeclaration
    }

    public let entries: [Entry]
    private var values: [String: RecipeValue]
    /// The full names of retired parameters, which are ignored.
    let retired: Set<String>

    /// The defaults of all parameters of these steps.
    public init(steps: [any Step]) {
        entries = steps.flatMap { step in
            step.parameters.map { Entry(key: "\(step.name).\($0.name)", step: step.name, parameter: $0) }
        }
        retired = Set(steps.flatMap { step in step.retiredParameters.map { "\(step.name).\($0)" } })
        values = Dictionary(entries.map { ($0.key, $0.parameter.defaultValue) }, uniquingKeysWith: { first, _ in first })
    }

    /// The value of a parameter; nil where there is none of that name.
    public subscript(key: String) -> RecipeValue? { values[key] }

    /// Sets a parameter to a value that is given as text.
    ///
    /// - Throws: ``EngineError`` where there is no such parameter, or the value is of another type or out of range.
    public mutating func set(_ key: String, to word: String) throws(EngineError) {
        guard let entry = entries.first(where: { $0.key == key }) else {
            throw EngineError(.invalidRecipe, "there is no parameter \(key)\(suggestion(for: key))")
        }
        values[key] = try entry.parameter.value(parsing: word, key: key)
    }

    /// The parameters of a step by their names within it.
    func parameters(ofStep step: String) -> [String: RecipeValue] {
        Dictionary(
            uniqueKeysWithValues: entries.filter { $0.step == step }.compactMap { entry in
                values[entry.key].map { (entry.parameter.name, $0) }
            })
    }

    /// Every parameter with its value as text, as one JSON object with sorted keys.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = (try? encoder.encode(values.mapValues(\.text))) ?? Data("{}".utf8)
        return String(decoding: data, as: UTF8.self)
    }

    /// The digest of all values.
    public var digest: Digest { Digest(of: "cellar recipe 1\n\(json)".utf8) }

    /// The differences from the values of an earlier recipe, as text by key: parameters that were added, removed or changed.
    public func differences(from earlier: [String: String]) -> [(key: String, old: String?, new: String?)] {
        let now = values.mapValues(\.text)
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
        let close = entries.map(\.key).filter { $0.hasSuffix(".\(last)") || $0.contains(last) || editDistance($0, key) <= 3 }
        guard let best = close.min(by: { editDistance($0, key) < editDistance($1, key) }) else {
            return "; `cellar recipe show` lists all"
        }
        return "; did you mean \(best)?"
    }

    /// The Levenshtein distance of two words: the least number of single-character edits.
    private func editDistance(_ a: String, _ b: String) -> Int {
        let (a, b) = (Array(a.utf8), Array(b.utf8))
        var row = Array(0...b.count)
        for (i, left) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, right) in b.enumerated() {
                let substitution = diagonal + (left == right ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
