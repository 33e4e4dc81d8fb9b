import Foundation
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

    /// The recipe that the file gives for these steps. A missing file gives the defaults.
    ///
    /// - Throws: ``EngineError`` that names the file and the key, where the file is no YAML, a key is no parameter or
    ///   given twice, or a value is refused.
    public func read(for steps: [any Step]) throws(EngineError) -> Recipe {
        try recipe(from: try text(), for: steps)
    }

    /// Writes a new file with every parameter, its value in the recipe and what it means.
    ///
    /// - Parameter steps: those that the recipe is for.
    /// - Throws: what Foundation throws where the file cannot be written.
    public func write(_ recipe: Recipe, for steps: [any Step]) throws {
        var lines = [
            "# The parameters of every step. Edit here, or by `cellar recipe set KEY=VALUE`; `cellar plan` shows what a",
            "# change makes stale. A line that is left out has its default.", "",
        ]
        for step in steps where !step.parameters.isEmpty {
            lines += ["# \(step.name): \(step.summary)", "\(step.name):"]
            var group: [Substring] = []
            for parameter in step.parameters {
                var names = parameter.name.split(separator: ".")
                let leaf = names.removeLast()
                for (depth, name) in names.enumerated() where depth >= group.count || group[depth] != name {
                    lines.append(indentation(depth + 1) + "\(name):")
                    group = Array(names.prefix(depth + 1))
                }
                group = names
                let value = yaml(recipe["\(step.name).\(parameter.name)"] ?? parameter.defaultValue)
                lines.append(indentation(names.count + 1) + "\(leaf): \(value)  # \(parameter.summary)")
            }
            lines.append("")
        }
        try write(lines.joined(separator: "\n"))
    }

    /// Sets parameters, all or none: the line of each is changed where there is one, and added where there is none; every other
    /// line, and every comment, stays.
    ///
    /// - Throws: ``EngineError`` where there is no such parameter or it refuses its value; then the file stays.
    public func set(_ assignments: [(key: String, value: String)], for steps: [any Step]) throws {
        var recipe = try read(for: steps)
        var lines = try text().components(separatedBy: "\n")
        for (key, word) in assignments {
            try recipe.set(key, to: word)
            guard let value = recipe[key] else { continue }
            if let index = lineIndex(of: key, in: lines), let colon = lines[index].firstIndex(of: ":") {
                let rest = lines[index][colon...]
                let comment = rest.range(of: " #").map { "  " + rest[rest.index(after: $0.lowerBound)...] } ?? ""
                lines[index] = "\(lines[index][..<colon]): \(yaml(value))\(comment)"
            } else {
                while lines.last?.isEmpty == true { lines.removeLast() }
                lines += ["\(key): \(yaml(value))", ""]
            }
        }
        let text = lines.joined(separator: "\n")
        // A file in a style that line editing does not understand is left alone rather than broken.
        guard try self.recipe(from: text, for: steps) == recipe else {
            let keys = assignments.map(\.key).joined(separator: ", ")
            throw EngineError(
                .invalidRecipe, "\(path) is written in a style that `recipe set` cannot edit; set \(keys) in the file by hand")
        }
        try write(text)
    }

    // MARK: Reading

    private func text() throws(EngineError) -> String {
        guard let handle = FileHandle(forReadingAtPath: path) else { return "" }
        defer { try? handle.close() }
        guard let data = try? handle.read(upToCount: Self.byteLimit + 1) else { return "" }
        guard data.count <= Self.byteLimit, let text = String(data: data, encoding: .utf8) else {
            throw EngineError(.invalidRecipe, "\(path) is no recipe: it is larger than 1 MiB, or no UTF-8 text")
        }
        return text
    }

    private func recipe(from text: String, for steps: [any Step]) throws(EngineError) -> Recipe {
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

    // MARK: Writing

    private func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }

    private func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// The value as a YAML scalar; a text that YAML would read as something else is quoted.
    private func yaml(_ value: RecipeValue) -> String {
        guard case .text(let text) = value else { return value.text }
        let isPlain = !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || "_-./".contains($0) }
        return isPlain ? text : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// The line that gives a parameter its value, by the indentation of the lines above it.
    private func lineIndex(of key: String, in lines: [String]) -> Int? {
        var path: [(indentation: Int, name: String)] = []
        for (index, line) in lines.enumerated() {
            let content = line.drop { $0 == " " }
            guard let colon = content.firstIndex(of: ":"), !content.hasPrefix("#") else { continue }
            let indentation = line.count - content.count
            while let last = path.last, last.indentation >= indentation { path.removeLast() }
            path.append((indentation, String(content[..<colon])))
            let isLeaf = !content[content.index(after: colon)...].drop { $0 == " " }.isEmpty
            if isLeaf, path.map(\.name).joined(separator: ".") == key { return index }
        }
        return nil
    }
}
