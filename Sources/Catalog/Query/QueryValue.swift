/// A value in a row that a query gives.
public enum QueryValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// The value of a word on the command line: a whole number if it is one, else a number if it is one, else text.
    public init(parsing word: String) {
        if let integer = Int64(word) {
            self = .integer(integer)
        } else if let real = Double(word), real.isFinite {
            self = .real(real)
        } else {
            self = .text(word)
        }
    }
}

extension QueryValue {
    /// The number that it is, whole or real; nil for all else.
    public var number: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .real(let real): real
        case .null, .text, .blob: nil
        }
    }

    /// The whole number that it is; nil for all else.
    public var integer: Int64? { if case .integer(let integer) = self { integer } else { nil } }

    /// The value as a text without loss: every digit of a number, two hexadecimal digits for each byte; empty for NULL.
    public var plainText: String {
        switch self {
        case .null: ""
        case .integer(let integer): "\(integer)"
        case .real(let real): "\(real)"
        case .text(let text): text
        case .blob(let bytes): Self.hexadecimal(bytes)
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
