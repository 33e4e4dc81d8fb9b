public import Basics
import Foundation
import Volumes

extension RecipeFile {
    /// Writes a new file with every parameter, its value in the recipe and what it means.
    ///
    /// - Parameter steps: those that the recipe is for.
    /// - Throws: ``EngineError`` where the file cannot be written, or another process is changing it.
    public func write(_ recipe: Recipe, for steps: [any Step]) throws(EngineError) {
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
        let lock = try RecipeLock(self)
        defer { withExtendedLifetime(lock) {} }
        try replace(with: lines.joined(separator: "\n"))
    }

    /// Sets parameters, all or none: the line of each is changed where there is one, and added where there is none; every other
    /// line, and every comment, stays. Of several processes that set parameters at once, each sees what the others have set.
    ///
    /// - Returns: the recipe as it was, and as it is now.
    /// - Throws: ``EngineError`` where there is no such parameter or it refuses its value, or the file cannot be read or written;
    ///   then the file stays.
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
        // A file in a style that line editing does not understand is left alone rather than broken.
        guard let result = try? recipe(from: new, for: steps), result == after else {
            let keys = assignments.map(\.key).joined(separator: ", ")
            throw EngineError(
                .invalidRecipe, "\(path) is written in a style that `recipe set` cannot edit; set \(keys) in the file by hand")
        }
        if new != old { try replace(with: new) }
        return (before, after)
    }

    private func replace(with text: String) throws(EngineError) {
        do throws(VolumeError) { try WholeFile(path).replace(Array(text.utf8)) } catch {
            throw EngineError(.recipeFile, "the recipe \(error.location) \(error.message)")
        }
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
