/// What parts the fields of a line of text.
enum Delimiter: Hashable, Sendable {
    case character(UInt8)
    /// Any run of blanks.
    case blanks

    /// What parts the fields of a table, judged by one of its lines: the most frequent of comma, tab, semicolon and
    /// pipe, or blanks.
    init(judgedBy line: ArraySlice<UInt8>) {
        var best: (character: UInt8, count: Int)?
        for character in ",\t;|".utf8 {
            let count = line.count { $0 == character }
            if count > best?.count ?? 0 { best = (character, count) }
        }
        self = best.map { .character($0.character) } ?? .blanks
    }

    /// The fields of a line without surrounding blanks; a field in double quotes may hold the delimiter, and a doubled
    /// quote for one.
    func fields(of line: ArraySlice<UInt8>) -> [String] {
        let quote = UInt8(ascii: "\"")
        var fields: [String] = []
        var field: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

        func finished() -> String {
            if wasQuoted { return String(decoding: field, as: UTF8.self) }
            let text = field.drop(while: isBlank)
            return String(
                decoding: text.prefix(text.lastIndex { !isBlank($0) }.map { $0 - text.startIndex + 1 } ?? 0), as: UTF8.self)
        }
        var index = line.startIndex
        while index < line.endIndex {
            let byte = line[index]
            index += 1
            if byte == quote {
                if isQuoted, index < line.endIndex, line[index] == quote {
                    field.append(quote)
                    index += 1
                } else if isQuoted || field.allSatisfy(isBlank) {
                    isQuoted.toggle()
                    if isQuoted { field.removeAll(keepingCapacity: true) }
                    wasQuoted = true
                } else {
                    field.append(byte)
                }
            } else if !isQuoted, self == .blanks ? isBlank(byte) : self == .character(byte) {
                if self != .blanks || !field.isEmpty || wasQuoted { fields.append(finished()) }
                field.removeAll(keepingCapacity: true)
                wasQuoted = false
            } else if !wasQuoted || isQuoted {
                field.append(byte)
            }
        }
        if self != .blanks || !field.isEmpty || wasQuoted { fields.append(finished()) }
        return fields
    }
}
