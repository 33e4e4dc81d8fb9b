import Basics

/// A pull parser for JSON whose form is known: headers, indices and vocabularies. The caller reads value by value, front to back.
///
/// It builds no tree, so a hostile header takes no more memory than the values that the caller keeps. It is strict (RFC 8259):
/// names occur once in an object, text is UTF-8 without control characters, values are not nested deeper than ``depthLimit``.
/// Foundation's scanners end the process at some of the bytes that are refused here.
package struct JSONReader {
    /// How deep values may be nested that ``skipValue(depth:)`` skips.
    package static let depthLimit = 32

    private let bytes: [UInt8]
    private let path: String
    /// The offset of the first byte in the file, for messages.
    private let origin: Int
    private var position = 0

    /// - Parameters:
    ///   - bytes: the JSON text.
    ///   - path: the file that they come from, for messages.
    ///   - origin: the offset of the first byte in that file, for messages.
    package init(_ bytes: [UInt8], path: String, origin: Int = 0) {
        self.bytes = bytes
        self.path = path
        self.origin = origin
    }

    /// The error for damage at the current byte; `what` says what is wrong there.
    package func fault(_ what: String) -> CheckpointError {
        CheckpointError(.malformed, "is damaged at byte \(origin + position): \(what); get the file again", path: path)
    }

    /// Reads `{ "name": value, … }`. The closure gets each name, and must read its value from the reader.
    ///
    /// - Throws: ``CheckpointError`` if the text is not such an object or a name occurs twice, and the errors of the closure.
    package mutating func readObject(
        _ readValue: (inout JSONReader, String) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try expect("{")
        var names: Set<String> = []
        guard !skips("}") else { return }
        repeat {
            let name = try readString()
            guard names.insert(name).inserted else { throw fault("the name \(CheckpointError.quoted(name)) occurs twice") }
            try expect(":")
            try readValue(&self, name)
        } while skips(",")
        try expect("}")
    }

    /// Reads `[ value, … ]`. The closure must read each value from the reader.
    ///
    /// - Throws: ``CheckpointError`` if the text is not such an array, and the errors of the closure.
    package mutating func readArray(
        _ readElement: (inout JSONReader) throws(CheckpointError) -> Void
    ) throws(CheckpointError) {
        try expect("[")
        guard !skips("]") else { return }
        repeat { try readElement(&self) } while skips(",")
        try expect("]")
    }

    /// Reads an integer ≥ 0, written without fraction or exponent.
    ///
    /// - Throws: ``CheckpointError`` if there is no such number, or it is too large for `Int`.
    package mutating func readCount() throws(CheckpointError) -> Int {
        skipSpace()
        let start = position
        var value = 0
        while let digit = current.flatMap(Self.digit) {
            let (tens, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, carries) = tens.addingReportingOverflow(digit)
            guard !overflows, !carries else { throw fault("a number is too large") }
            value = sum
            position += 1
        }
        guard position > start else { throw fault("a number that is not negative is expected") }
        guard position == start + 1 || bytes[start] != UInt8(ascii: "0") else { throw fault("a number begins with 0") }
        if let next = current, [".", "e", "E"].contains(Unicode.Scalar(next)) { throw fault("a whole number is expected") }
        return value
    }

    /// Reads text in quotes, and resolves its escapes.
    ///
    /// - Throws: ``CheckpointError`` if there is no such text, or it is not UTF-8 or holds a control character.
    package mutating func readString() throws(CheckpointError) -> String {
        try expect("\"", "text in quotes is expected")
        var text: [UInt8] = []
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw fault("text is not UTF-8") }
                position += 1
                return string
            case UInt8(ascii: "\\"):
                position += 1
                text.append(contentsOf: try readEscape().utf8)
            case 0..<0x20:
                throw fault("text holds a control character")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw fault("text has no closing quote")
    }

    /// Skips one value of any kind.
    ///
    /// - Parameter depth: how deep the value is nested in another that is skipped.
    /// - Throws: ``CheckpointError`` if there is no valid value, or values are nested deeper than ``depthLimit``.
    package mutating func skipValue(depth: Int = 0) throws(CheckpointError) {
        guard depth < Self.depthLimit else { throw fault("values are nested too deep") }
        skipSpace()
        switch current {
        case UInt8(ascii: "{"):
            try readObject { (reader, _) throws(CheckpointError) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "["):
            try readArray { reader throws(CheckpointError) in try reader.skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""):
            _ = try readString()
        default:
            let start = position
            while let byte = current, UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || Self.isNumeric(byte) { position += 1 }
            let word = bytes[start..<position]
            let isNumber = word.allSatisfy(Self.isNumeric) && Double(String(decoding: word, as: UTF8.self)) != nil
            guard isNumber || ["true", "false", "null"].contains(String(decoding: word, as: UTF8.self)) else {
                throw fault("a value is expected")
            }
        }
    }

    /// Checks that only white space is left.
    ///
    /// - Throws: ``CheckpointError`` if anything else is left.
    package mutating func finish() throws(CheckpointError) {
        skipSpace()
        guard position == bytes.count else { throw fault("nothing more is expected here") }
    }

    /// The next byte; nil at the end.
    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private static func digit(_ byte: UInt8) -> Int? {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte ? Int(byte - UInt8(ascii: "0")) : nil
    }

    private static func isNumeric(_ byte: UInt8) -> Bool {
        digit(byte) != nil || [".", "+", "-", "e", "E"].contains(Unicode.Scalar(byte))
    }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    /// Skips white space and then the character; returns false, and skips no more, if another one follows.
    private mutating func skips(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard current == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar, _ what: String? = nil) throws(CheckpointError) {
        guard skips(character) else { throw fault(what ?? "'\(character)' is expected") }
    }

    /// Reads what follows a backslash, and returns the character that it stands for. Two `\u` escapes may form one surrogate
    /// pair.
    private mutating func readEscape() throws(CheckpointError) -> String {
        guard let byte = current else { throw fault("text ends in a backslash") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(Unicode.Scalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var units = [try readUnit()]
            if UTF16.isLeadSurrogate(units[0]), bytes[position...].starts(with: Array("\\u".utf8)) {
                position += 2
                units.append(try readUnit())
            }
            guard let text = String(validating: units, as: UTF16.self), text != "\0" else {
                throw fault("\\u names no character")
            }
            return text
        default: throw fault("a backslash before '\(Unicode.Scalar(byte))' means nothing")
        }
    }

    /// Reads four hexadecimal digits: a UTF-16 code unit.
    private mutating func readUnit() throws(CheckpointError) -> UInt16 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, !digits.contains(UInt8(ascii: "+")), !digits.contains(UInt8(ascii: "-")),
            let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw fault("\\u is not followed by four hexadecimal digits") }
        position += 4
        return unit
    }
}
