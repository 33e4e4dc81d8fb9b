public import Basics
import Foundation
import Volumes
import Yams

/// A recipe as a YAML file that people edit: parameters nested by step and group, or dotted in one line; what is left
/// out has its default.
///
/// ```yaml
/// prepare:
///   clahe:
///     clip_limit: 3.0
/// prepare.tiles.count: 2
/// ```
public struct RecipeFile: Sendable {
    /// The largest file that is read.
    static let byteLimit = 1 << 20

    /// The most aliases (`*name`) that a file may have.
    private static let aliasLimit = 16

    public let path: String

    public init(path: String) { self.path = path }

    /// The recipe that the file gives for these steps. Where there is no file, it gives the defaults.
    ///
    /// - Throws: ``EngineError`` that names the file and the key, where the file is no YAML, a key is no parameter or
    ///   given twice, or a value is refused; also where there is a file that cannot be read.
    public func read(for steps: [any Step]) throws(EngineError) -> Recipe {
        try recipe(from: try text(), for: steps)
    }

    // MARK: Reading

    /// Empty where there is no file.
    func text() throws(EngineError) -> String {
        let bytes: [UInt8]
        do throws(VolumeError) {
            guard let all = try WholeFile(path).read(limit: Self.byteLimit) else { return "" }
            bytes = all
        } catch {
            throw EngineError(
                error.code == .tooLarge ? .invalidRecipe : .recipeFile, "the recipe \(error.location) \(error.message)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw EngineError(.invalidRecipe, "\(path) is no recipe: it is no UTF-8 text; mend it, or delete it for the defaults")
        }
        return text
    }

    func recipe(from text: String, for steps: [any Step]) throws(EngineError) -> Recipe {
        var recipe = Recipe(steps: steps)
        try checkAliases(in: text)
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch {
            // The parser goes on with the text of the file.
            let reason = "\(error)".prefix { $0 != "\n" }
            throw EngineError(.invalidRecipe, "\(path) is not understood: \(reason); mend it, or delete it for the defaults")
        }
        var seen: Set<String> = []
        // A file of comments only composes to nothing, or to an empty scalar.
        guard let root, root.scalar?.string.isEmpty != true else { return recipe }
        try assign(root, prefix: "", depth: 0, to: &recipe, seen: &seen)
        return recipe
    }

    /// Refuses a text in which aliases of aliases could multiply without end: the parser puts the node in their place.
    private func checkAliases(in text: String) throws(EngineError) {
        let lineEnds = Set("\r\n".utf8)
        var count = 0
        for line in text.utf8.split(whereSeparator: lineEnds.contains) {
            // YAML knows line ends beyond ASCII, so that a comment may end before its line does.
            let isComment = line.first { $0 != UInt8(ascii: " ") } == UInt8(ascii: "#")
            if isComment, line.allSatisfy({ $0 < 0x80 }) { continue }
            var previous = UInt8(ascii: " ")
            for byte in line {
                if byte == UInt8(ascii: "*"), !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains(previous | 0x20) { count += 1 }
                previous = byte
            }
        }
        guard count <= Self.aliasLimit else {
            throw EngineError(
                .invalidRecipe, "\(path) has \(count) aliases (*name), more than a recipe may; write the values out")
        }
    }

    private func assign(
        _ node: Node, prefix: String, depth: Int, to recipe: inout Recipe, seen: inout Set<String>
    ) throws(EngineError) {
        switch node {
        case .mapping(let mapping):
            guard depth < 8 else { throw EngineError(.invalidRecipe, "\(path): \(prefix) is nested too deeply") }
            for (node, value) in mapping {
                guard let name = node.scalar?.string else {
                    throw EngineError(.invalidRecipe, "\(path): a key below \"\(prefix)\" is no plain word")
                }
                let key = prefix.isEmpty ? name : "\(prefix).\(name)"
                // A step or group with nothing below it, or a parameter without a value, has its defaults.
                let isEmpty = value.scalar?.string.isEmpty == true && value.scalar?.style == .plain
                if isEmpty, recipe.entries.contains(where: { $0.key == key || $0.key.hasPrefix("\(key).") }) { continue }
                try assign(value, prefix: key, depth: depth + 1, to: &recipe, seen: &seen)
            }
        case .scalar(let scalar):
            guard !prefix.isEmpty else {
                throw EngineError(.invalidRecipe, "\(path) holds no keys; write `step.parameter: value`")
            }
            if recipe.retired.contains(prefix) { return }
            guard seen.insert(prefix).inserted else { throw EngineError(.invalidRecipe, "\(path) gives \(prefix) twice") }
            do { try recipe.set(prefix, to: scalar.string) } catch {
                throw EngineError(.invalidRecipe, "\(path): \(error.message)")
            }
        case .sequence, .alias:
            throw EngineError(.invalidRecipe, "\(path): \(prefix) is a list or an alias; a parameter has one value")
        }
    }
}
