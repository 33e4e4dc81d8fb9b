public import Basics
internal import Foundation
internal import Volumes
internal import Yams

/// A recipe as a YAML file that people edit: parameters are nested by step and group, or have their full name with dots. Parameters that are
/// left out have their defaults.
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

    /// Reads the recipe for these steps. Without a file, it is the defaults.
    ///
    /// - Throws: ``EngineError`` with the file and the key, where the file is no YAML, a key is no parameter or given twice, or a value is not
    ///   valid; also where the file exists and cannot be read.
    public func read(for steps: [any Step]) throws(EngineError) -> Recipe {
        try recipe(from: try text(), for: steps)
    }

    // MARK: Reading

    /// Empty where there is no file.
    func text() throws(EngineError) -> String {
        let bytes: [UInt8]
        do throws(VolumeError) {
            guard let all = try SmallFile(path).read(limit: Self.byteLimit) else { return "" }
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
            // The parser's message continues with the text of the file.
            let reason = "\(error)".prefix { $0 != "\n" }
            throw EngineError(.invalidRecipe, "\(path) is not understood: \(reason); mend it, or delete it for the defaults")
        }
        var seen: Set<String> = []
        // A file with comments only is parsed as nothing, or as an empty scalar.
        guard let root, root.scalar?.string.isEmpty != true else { return recipe }
        try assign(root, prefix: "", depth: 0, to: &recipe, seen: &seen)
        return recipe
    }

    /// Refuses a text with too many aliases: the parser expands each one to its node, so that aliases of aliases could grow exponentially.
    private func checkAliases(in text: String) throws(EngineError) {
        let lineEnds = Set("\r\n".utf8)
        var count = 0
        for line in text.utf8.split(whereSeparator: lineEnds.contains) {
            // YAML has line ends beyond ASCII, so that a comment may end before its line does.
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
            guard depth < 8 else {
                throw EngineError(
                    .invalidRecipe, "\(path): \(prefix) is nested too deeply; `cellar recipe show` lists the parameters")
            }
            for (node, value) in mapping {
                guard let name = node.scalar?.string else {
                    throw EngineError(
                        .invalidRecipe, "\(path): a key below \"\(prefix)\" is no plain word; write `parameter: value` lines")
                }
                let key = prefix.isEmpty ? name : "\(prefix).\(name)"
                // A step or group without entries, or a parameter without a value, has its defaults.
                let isEmpty = value.scalar?.string.isEmpty == true && value.scalar?.style == .plain
                let known = recipe.entries.map(\.key) + recipe.renamed.keys
                if isEmpty, known.contains(where: { $0 == key || $0.hasPrefix("\(key).") }) { continue }
                try assign(value, prefix: key, depth: depth + 1, to: &recipe, seen: &seen)
            }
        case .scalar(let scalar):
            guard !prefix.isEmpty else {
                throw EngineError(.invalidRecipe, "\(path) holds no keys; write `step.parameter: value`")
            }
            if recipe.retired.contains(prefix) { return }
            guard seen.insert(prefix).inserted else {
                throw EngineError(.invalidRecipe, "\(path) gives \(prefix) twice; leave one out")
            }
            // A line of an earlier version counts where there is none under the new name, before or after it.
            let name = recipe.renamed[prefix] ?? prefix
            if name != prefix, seen.contains(name) { return }
            do { try recipe.set(name, to: scalar.string) } catch {
                throw EngineError(.invalidRecipe, "\(path): \(error.message)")
            }
        case .sequence, .alias:
            throw EngineError(.invalidRecipe, "\(path): \(prefix) is a list or an alias; a parameter has one value")
        }
    }
}

extension RecipeFile {
    /// Writes a new file with every parameter, its value and its meaning.
    ///
    /// - Parameter steps: the steps of the recipe.
    /// - Throws: ``EngineError`` where the file cannot be written, or another process is changing it.
    public func write(_ recipe: Recipe, for steps: [any Step]) throws(EngineError) {
        var lines = [
            "# The parameters of every step. Edit here, or by `cellar recipe set KEY=VALUE`; `cellar plan` shows what a",
            "# change makes stale. A line that is left out has its default.", "",
        ]
        let entries = Recipe(steps: steps).entries
        for (place, entry) in entries.enumerated() where place == 0 || entries[place - 1].step != entry.step {
            let summary = steps.first { $0.name == entry.step }?.summary ?? "what several steps share"
            lines += ["# \(entry.step): \(summary)", "\(entry.step):"]
            var group: [Substring] = []
            for (key, parameter) in entries[place...].prefix(while: { $0.step == entry.step }).map({ ($0.key, $0.parameter) }) {
                var names = parameter.name.split(separator: ".")
                let leaf = names.removeLast()
                for (depth, name) in names.enumerated() where depth >= group.count || group[depth] != name {
                    lines.append(indentation(depth + 1) + "\(name):")
                    group = Array(names.prefix(depth + 1))
                }
                group = names
                let value = yaml(recipe[key] ?? parameter.defaultValue)
                lines.append(indentation(names.count + 1) + "\(leaf): \(value)  # \(parameter.summary)")
            }
            lines.append("")
        }
        let lock = try RecipeLock(self)
        defer { withExtendedLifetime(lock) {} }
        try replace(with: lines.joined(separator: "\n"))
    }

    /// Sets parameters, all or none: changes the line of each, or adds one; all other lines and all comments stay. Where several processes set
    /// parameters at once, no change is lost.
    ///
    /// - Returns: the recipe before and after the change.
    /// - Throws: ``EngineError`` where there is no such parameter, a value is not valid, or the file cannot be read or written. Then the file is
    ///   unchanged.
    @discardableResult
    public func set(
        _ assignments: [(key: String, value: String)], for steps: [any Step]
    ) throws(EngineError) -> (before: Recipe, after: Recipe) {
        let lock = try RecipeLock(self)
        defer { withExtendedLifetime(lock) {} }
        let old = try text()
        let before = try recipe(from: old, for: steps)
        var after = before
        var lines = old.components(separatedBy: "\n")
        for (key, word) in assignments {
            try after.set(key, to: word)
            guard let value = after[key] else { continue }
            if let index = lineIndex(of: key, in: lines), let colon = lines[index].firstIndex(of: ":") {
                let rest = lines[index][colon...]
                let comment = rest.range(of: " #").map { "  " + rest[rest.index(after: $0.lowerBound)...] } ?? ""
                lines[index] = "\(lines[index][..<colon]): \(yaml(value))\(comment)"
            } else {
                while lines.last?.isEmpty == true { lines.removeLast() }
                lines += ["\(key): \(yaml(value))", ""]
            }
        }
        let new = lines.joined(separator: "\n")
        // A file in a style that line editing does not support is left unchanged.
        guard let result = try? recipe(from: new, for: steps), result == after else {
            let keys = assignments.map(\.key).joined(separator: ", ")
            throw EngineError(
                .invalidRecipe, "\(path) is written in a style that `recipe set` cannot edit; set \(keys) in the file by hand")
        }
        if new != old { try replace(with: new) }
        return (before, after)
    }

    private func replace(with text: String) throws(EngineError) {
        do throws(VolumeError) { try SmallFile(path).replace(Array(text.utf8)) } catch {
            throw EngineError(.recipeFile, "the recipe \(error.location) \(error.message)")
        }
    }

    private func indentation(_ depth: Int) -> String { String(repeating: "  ", count: depth) }

    /// The value as a YAML scalar. A text that YAML would read as another type is quoted.
    private func yaml(_ value: RecipeValue) -> String {
        guard case .text(let text) = value else { return value.text }
        let isPlain = !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || "_-./".contains($0) }
        return isPlain ? text : "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// The line with a parameter's value, found by the indentation of the lines above it.
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

/// The lock on a recipe. One process at a time holds it, from reading the recipe to replacing its file.
///
/// It is a ``FileLock`` on a file beside the recipe, because each change replaces the recipe's own file.
final class RecipeLock {
    /// Nil on a file system without locks, where the last one who changes it wins.
    private let lock: FileLock?

    /// A change takes milliseconds: a process that holds the lock for so long is probably stopped in a debugger.
    private static let (tries, pauseInMicroseconds) = (500, UInt32(20_000))

    /// Waits until no other process holds the lock.
    ///
    /// - Throws: ``EngineError`` where the file cannot be made, or another process holds the lock for 10 s.
    init(_ file: RecipeFile) throws(EngineError) {
        let path: String
        do throws(VolumeError) { path = try SmallFile(file.path).path + ".lock" } catch {
            throw EngineError(.recipeFile, "the recipe \(error.location) \(error.message)")
        }
        do throws(FileLock.Failure) {
            lock = try FileLock(path, tries: Self.tries, pauseInMicroseconds: Self.pauseInMicroseconds)
        } catch {
            if case .cannotLock(let reason) = error, FileLock.isMissing(reason) {
                lock = nil
                return
            }
            let message =
                switch error {
                case .cannotOpen(let error):
                    "the recipe cannot be changed: \(path) cannot be opened: \(error.reason); check the permissions of its folder"
                case .held: "another process is changing the recipe \(file.path) and holds \(path); end it, or try again"
                case .cannotLock(let error): "the recipe cannot be changed: \(path) cannot be locked: \(error.reason)"
                }
            throw EngineError(.recipeFile, message)
        }
    }
}
