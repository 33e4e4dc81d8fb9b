/// Names as copick's files have them. Their parts are joined by `_`, so that no part may hold one.
///
/// Source: copick, `util/escape.py`.
enum CopickName {
    /// The name with `-` for what no file name of copick holds: `<>:"/\|?*`, blanks, control characters and underscores; without `-` at its
    /// ends. Nil where nothing is left.
    static func safe(_ name: String) -> String? {
        let characters = name.unicodeScalars.map { scalar -> Character in
            let properties = scalar.properties
            let isUnsafe =
                "<>:\"/\\|?*_".unicodeScalars.contains(scalar) || properties.isWhitespace
                || properties.generalCategory == .control
            return isUnsafe ? "-" : Character(scalar)
        }
        let safe = String(characters)
        guard let first = safe.firstIndex(where: { $0 != "-" }), let last = safe.lastIndex(where: { $0 != "-" }) else {
            return nil
        }
        return String(safe[first...last])
    }

    static func isSafe(_ name: String) -> Bool { safe(name) == name }
}
