/// Reads a STAR file as a stream of events, in bounded memory.
///
/// It reads STAR as RELION, STOPGAP and Warp write it: data blocks with pairs of names and values and with loops;
/// comments; values in single or double quotes, and on several lines between semicolons. A row of a loop must begin on a
/// new line: so a row that lacks a value is reported with its line, and does not shift the values of all later rows.
///
/// A line of a loop that begins with `data_` is a row where it has as many values as the loop has columns, at least two: so
/// a tomogram may be called `data_01`. Else it begins a block.
///
/// Source: Hall, *The STAR file: a new format for electronic data transfer and archiving*, J. Chem. Inf. Comput. Sci. 31 (1991).
struct STARReader {
    enum Event: Hashable, Sendable {
        /// `data_NAME`; the name may be empty.
        case block(String)
        case pair(name: String, value: String)
        /// The names of the columns of a loop, with their underscores.
        case loop([String])
        /// The values of a row of the last loop, and the line on which it begins.
        case row([String], line: Int)
    }

    private struct Token {
        var text: String
        var line: Int
        var startsLine = false
        var isPlain = true
        var isMultiline = false

        var isTag: Bool { isPlain && text.hasPrefix("_") }
        /// Whether the word is a keyword of STAR. At the beginning of a line, it cannot be a value.
        var isKeyword: Bool {
            guard isPlain else { return false }
            let word = text.prefix(6).lowercased()
            return word.hasPrefix("data_") || word == "loop_" || word.hasPrefix("save_")
        }
    }

    private var lines: LineReader
    private var tokens: ArraySlice<Token> = []
    private var columns: [String] = []
    private var isInLoop = false
    private var isInBlock = false

    init(path: String) throws(VolumeError) { lines = try LineReader(path: path) }

    /// The next event, or nil at the end of the file.
    ///
    /// - Throws: ``VolumeError`` with the number of the line that is wrong.
    mutating func next() throws(VolumeError) -> Event? {
        guard let token = try peek() else { return nil }
        if isInLoop, !token.startsLine || !(token.isKeyword || token.isTag) || isRowOfData(token) { return try row() }
        isInLoop = false
        tokens.removeFirst()
        if token.isKeyword, token.text.lowercased().hasPrefix("data_") {
            isInBlock = true
            return .block(String(token.text.dropFirst(5)))
        }
        guard isInBlock else {
            throw .malformedLine(
                token.line, "\"\(token.text)\" stands before the first data_ block; give a STAR file", path: lines.path)
        }
        if token.isKeyword, token.text.lowercased() == "loop_" { return try loop(line: token.line) }
        guard token.isTag else {
            throw .malformedLine(
                token.line, "\"\(token.text)\" stands where a name with an underscore is expected; correct the line",
                path: lines.path)
        }
        guard let value = try peek(), !value.startsLine || value.isMultiline else {
            throw .malformedLine(token.line, "\(token.text) has no value; give it one", path: lines.path)
        }
        tokens.removeFirst()
        return .pair(name: token.text, value: value.text)
    }

    /// Whether a line that begins with this token, which looks like the name of a block, is a row of the loop. A block's name
    /// stands alone on its line, and ``tokens`` are the rest of the line.
    private func isRowOfData(_ token: Token) -> Bool {
        token.isKeyword && token.text.prefix(5).lowercased() == "data_" && columns.count > 1 && tokens.count == columns.count
    }

    private mutating func loop(line: Int) throws(VolumeError) -> Event {
        columns = []
        while let token = try peek(), token.isTag {
            columns.append(token.text)
            tokens.removeFirst()
        }
        guard !columns.isEmpty, Set(columns).count == columns.count else {
            throw .malformedLine(
                line,
                columns.isEmpty
                    ? "the loop has no columns; name them" : "the loop has two columns of one name; rename or remove one",
                path: lines.path)
        }
        isInLoop = true
        return .loop(columns)
    }

    private mutating func row() throws(VolumeError) -> Event {
        var values: [String] = []
        values.reserveCapacity(columns.count)
        var first: Token?
        var mayWrap = false
        while values.count < columns.count, let token = try peek() {
            if first != nil, token.startsLine, !token.isMultiline, !mayWrap { break }
            first = first ?? token
            mayWrap = token.isMultiline
            values.append(token.text)
            tokens.removeFirst()
        }
        let line = first?.line ?? lines.line
        let surplus = tokens.first.map { !$0.startsLine } ?? false
        guard values.count == columns.count, !surplus else {
            let count = surplus ? "more than \(columns.count)" : "\(values.count)"
            throw .malformedLine(
                line, "the row has \(count) values for \(columns.count) columns; correct or remove it", path: lines.path)
        }
        return .row(values, line: line)
    }

    /// The next token, without removing it; reads another line if the current one has no more.
    private mutating func peek() throws(VolumeError) -> Token? {
        while tokens.isEmpty {
            guard let line = try lines.next() else { return nil }
            tokens = line.first == UInt8(ascii: ";") ? try text(from: line)[...] : try words(of: line)[...]
        }
        return tokens.first
    }

    /// A value on several lines, between two semicolons at the beginning of a line, and the words after the second one.
    private mutating func text(from opening: ArraySlice<UInt8>) throws(VolumeError) -> [Token] {
        let first = lines.line
        var bytes = Array(opening.dropFirst())
        while let line = try lines.next() {
            if line.first == UInt8(ascii: ";") {
                let value = Token(
                    text: String(decoding: bytes, as: UTF8.self), line: first, startsLine: true, isPlain: false, isMultiline: true
                )
                var rest = try words(of: line.dropFirst())
                if !rest.isEmpty { rest[0].startsLine = false }
                return [value] + rest
            }
            bytes.append(UInt8(ascii: "\n"))
            bytes += line
            guard bytes.count <= 1 << 20 else { break }
        }
        throw .malformedLine(
            first, "the text that begins with a semicolon does not end; end it with a semicolon", path: lines.path)
    }

    private func words(of line: ArraySlice<UInt8>) throws(VolumeError) -> [Token] {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var words: [Token] = []
        var index = line.startIndex
        while true {
            while index < line.endIndex, isBlank(line[index]) { index += 1 }
            guard index < line.endIndex, line[index] != UInt8(ascii: "#") else { return words }
            var token = Token(text: "", line: lines.line, startsLine: words.isEmpty)
            let quote = line[index]
            if quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
                // Only a quote before a blank or the end of the line closes the value; others are part of it.
                let rest = line[(index + 1)...]
                guard
                    let end = rest.indices.first(where: {
                        rest[$0] == quote && ($0 + 1 == line.endIndex || isBlank(line[$0 + 1]))
                    })
                else { throw .malformedLine(lines.line, "a quote is not closed; close it", path: lines.path) }
                token.text = String(decoding: line[index + 1..<end], as: UTF8.self)
                token.isPlain = false
                index = end + 1
            } else {
                let end = line[index...].firstIndex(where: isBlank) ?? line.endIndex
                token.text = String(decoding: line[index..<end], as: UTF8.self)
                index = end
            }
            words.append(token)
        }
    }
}
