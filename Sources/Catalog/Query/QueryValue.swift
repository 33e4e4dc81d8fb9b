/// A value of a row that a query gave.
public enum QueryValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])

    /// The value that a person means by a word on the command line: a whole number, a number, or text.
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
