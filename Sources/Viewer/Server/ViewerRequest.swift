import Basics

/// A request, as the server understood it: bounded, and in no way a path of the file system.
package struct ViewerRequest: Sendable {
    /// The most bytes of a target, of a parameter, and how many of them there may be.
    static let (targetLimit, parameterLimit) = (16 << 10, 64)

    /// `GET`, `HEAD`, `POST`, `DELETE` or `OPTIONS`; others are refused.
    package var method: String
    /// The path and the query as they were sent: `/api/v1/tomograms?limit=5`.
    package var target: String
    /// Names in lower case, each of them once.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(method: String = "GET", target: String, headers: [String: String] = [:], body: [UInt8] = []) {
        (self.method, self.target, self.headers, self.body) = (method, target, headers, body)
    }

    /// The decoded parts of the path, and the decoded parameters.
    struct Place: Equatable {
        var path: [String]
        /// Where a parameter is given twice, the last one counts.
        var parameters: [String: String]
    }

    /// Decodes the target.
    ///
    /// Parts of a path are decoded one by one, once. What is no text, `.` and `..`, a slash or backslash within a part, an empty
    /// part but the last one, and control characters are refused, however they are written.
    ///
    /// - Throws: ``ViewerError``.
    func place() throws(ViewerError) -> Place {
        guard target.utf8.count <= Self.targetLimit else {
            throw ViewerError(.tooLarge, "the address is longer than \(Self.targetLimit) bytes; send less")
        }
        // Of ASCII alone, each byte is a character: no accent can hide a slash.
        guard target.utf8.allSatisfy({ (33...126).contains($0) }) else {
            throw ViewerError(.invalid, "the address has bytes that are not ASCII; write them as % and two hexadecimal digits")
        }
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = halves.first, first.hasPrefix("/") else {
            throw ViewerError(.invalid, "the address is no path; begin it with a slash")
        }
        var path: [String] = []
        for part in first.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            let text = try Self.decoded(part, plusIsSpace: false)
            let bytes = Array(text.utf8)
            guard bytes != Array(".".utf8), bytes != Array("..".utf8), !bytes.contains(UInt8(ascii: "/")),
                !bytes.contains(UInt8(ascii: "\\"))
            else {
                throw ViewerError(
                    .invalid, "the address has a part that is no name (\(text.prefix(40))); write no . or .., slash or backslash")
            }
            path.append(text)
        }
        // A slash at the end changes nothing.
        if path.last == "" { path.removeLast() }
        guard !path.contains("") else { throw ViewerError(.invalid, "the address has an empty part; write one slash at a time") }
        return Place(path: path, parameters: try Self.parameters(halves.count > 1 ? halves[1] : ""))
    }

    private static func parameters(_ query: Substring) throws(ViewerError) -> [String: String] {
        var parameters: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(halves[0], plusIsSpace: true)
            parameters[name] = halves.count > 1 ? try decoded(halves[1], plusIsSpace: true, allowsLines: true) : ""
            guard parameters.count <= parameterLimit else {
                throw ViewerError(.tooLarge, "the address has more than \(parameterLimit) parameters; send fewer")
            }
        }
        return parameters
    }

    /// Decodes `%41` once.
    ///
    /// - Parameter allowsLines: whether ends of lines and tabs may be in it, as in SQL.
    private static func decoded(_ text: Substring, plusIsSpace: Bool, allowsLines: Bool = false) throws(ViewerError) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
                    throw ViewerError(.invalid, "the address has a % without two hexadecimal digits; write % itself as %25")
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        let allowed: Set<UInt8> = allowsLines ? [9, 10, 13] : []
        guard let text = String(validating: bytes, as: UTF8.self),
            !bytes.contains(where: { ($0 < 32 || $0 == 127) && !allowed.contains($0) })
        else {
            throw ViewerError(.invalid, "the address is no text of UTF-8, or has control characters; write UTF-8 without them")
        }
        return text
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// Reads the parameters of a request by name, type and range.
struct RequestParameters {
    let values: [String: String]

    /// The text of a parameter; nil where it is not given or empty.
    func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// - Throws: ``ViewerError`` where it is not given.
    func requiredText(_ name: String) throws(ViewerError) -> String {
        guard let text = text(name) else { throw missing(name) }
        return text
    }

    /// A whole number; nil where it is not given.
    func integer(_ name: String, in range: ClosedRange<Int> = 0...Int(Int32.max)) throws(ViewerError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw ViewerError(
                .invalid,
                "\(name) is \(text.prefix(40)); give a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// - Throws: ``ViewerError`` where it is not given, or no number in the range.
    func requiredInteger(_ name: String) throws(ViewerError) -> Int {
        guard let value = try integer(name) else { throw missing(name) }
        return value
    }

    /// A finite number in a range; nil where it is not given.
    func number(_ name: String, in range: ClosedRange<Double>) throws(ViewerError) -> Double? {
        guard let text = text(name) else { return nil }
        guard let value = Double(text), range.contains(value) else {
            throw ViewerError(
                .invalid, "\(name) is \(text.prefix(40)); give a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// - Throws: ``ViewerError`` where it is not given, or no finite number.
    func requiredNumber(_ name: String) throws(ViewerError) -> Double {
        guard let value = try number(name, in: -1e9...1e9) else { throw missing(name) }
        return value
    }

    /// `1` or `true`, `0` or `false`; false where it is not given.
    func flag(_ name: String) throws(ViewerError) -> Bool {
        switch text(name) {
        case nil, "0", "false": false
        case "1", "true": true
        default: throw ViewerError(.invalid, "\(name) is neither 0 nor 1; give one of them")
        }
    }

    private func missing(_ name: String) -> ViewerError {
        ViewerError(.invalid, "the parameter \(name) is missing; add \(name)=VALUE to the address")
    }
}
