internal import Basics
internal import Yams

/// A mapping of a YAML document, whose values are read by their keys; each error names the place in the file.
struct KeyedNode {
    /// Where it is, for people: `profiles.main.steps.train-picks`.
    let name: String
    private let path: String
    private let values: [(key: String, value: Node)]

    init(_ node: Node, name: String, path: String) throws(ClusterError) {
        (self.name, self.path) = (name, path)
        if node.isEmpty {
            values = []
            return
        }
        guard case .mapping(let mapping) = node else {
            throw ClusterError(.profiles, "\(name) is no mapping; write `key: value` lines", path: path)
        }
        var values: [(key: String, value: Node)] = []
        for (key, value) in mapping {
            guard let word = key.scalar?.string else {
                throw ClusterError(.profiles, "a key of \(name) is no word; write `key: value` lines", path: path)
            }
            guard !values.contains(where: { $0.key == word }) else {
                throw ClusterError(.profiles, "\(name) gives \(word) twice; leave one out", path: path)
            }
            values.append((word, value))
        }
        self.values = values
    }

    func error(_ message: String) -> ClusterError { ClusterError(.profiles, "\(name) \(message)", path: path) }

    /// Refuses keys that are none of these.
    func allow(_ keys: [String]) throws(ClusterError) {
        for (key, _) in values where !keys.contains(key) {
            let hint = NearestName.of(key, among: keys).map { "did you mean \($0)? " } ?? ""
            throw error("has no key \(key); \(hint)It may have \(keys.joined(separator: ", "))")
        }
    }

    private func value(_ key: String) -> Node? {
        values.first { $0.key == key }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// A text as it is written; nil where there is none.
    func text(_ key: String) throws(ClusterError) -> String? {
        guard let node = value(key) else { return nil }
        guard let scalar = node.scalar else { throw error("has a list or mapping as \(key); it is one value") }
        // A control character could end the line of a script or an option.
        guard !scalar.string.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\t" || $0.value == 0x7F }) else {
            throw error("has a control character in \(key)")
        }
        return scalar.string
    }

    /// A text without blanks.
    func word(_ key: String) throws(ClusterError) -> String? {
        guard let text = try text(key) else { return nil }
        guard !text.contains(where: \.isWhitespace) else { throw error("has \(key): \(text), but it is one word") }
        return text
    }

    /// An absolute path.
    func path(_ key: String) throws(ClusterError) -> String? {
        guard let text = try text(key) else { return nil }
        guard text.hasPrefix("/") else {
            throw error("has \(key): \(text), but it must be an absolute path, which means the same on every node")
        }
        return text
    }

    /// A list of texts, or one text alone.
    func texts(_ key: String) throws(ClusterError) -> [String] {
        guard let node = value(key) else { return [] }
        guard case .sequence(let items) = node else { return try [text(key) ?? ""] }
        var texts: [String] = []
        for item in items {
            guard let text = item.scalar?.string, !text.contains(where: \.isNewline) else {
                throw error("has an entry of \(key) that is no line of text")
            }
            texts.append(text)
        }
        return texts
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(ClusterError) -> Int? {
        guard let text = try text(key) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw error("has \(key): \(text), but it must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func flag(_ key: String) throws(ClusterError) -> Bool? {
        guard let text = try text(key) else { return nil }
        switch text.lowercased() {
        case "true", "yes", "on": return true
        case "false", "no", "off": return false
        default: throw error("has \(key): \(text), but it must be true or false")
        }
    }

    /// A positive number with a unit.
    func quantity(_ key: String, _ form: String, _ parse: (String) -> Double?) throws(ClusterError) -> Double? {
        guard let text = try text(key) else { return nil }
        guard let value = parse(text), value > 0 else { throw error("has \(key): \(text), but it must be \(form)") }
        return value
    }

    /// A mapping; nil where there is none.
    func entry(_ key: String) throws(ClusterError) -> KeyedNode? {
        guard let node = value(key) else { return nil }
        return try KeyedNode(node, name: "\(name).\(key)", path: path)
    }

    /// The mappings of a mapping.
    func entries(_ key: String) throws(ClusterError) -> [(key: String, value: KeyedNode)] {
        guard let node = value(key) else { return [] }
        let place = name == "the file" ? key : "\(name).\(key)"
        let inner = try KeyedNode(node, name: place, path: path)
        var entries: [(key: String, value: KeyedNode)] = []
        for (key, value) in inner.values {
            entries.append((key, try KeyedNode(value, name: "\(place).\(key)", path: path)))
        }
        return entries
    }
}

extension Node {
    /// Nothing, as after `key:`.
    fileprivate var isEmpty: Bool { scalar.map { $0.string.isEmpty && $0.style == .plain } ?? false }
}
