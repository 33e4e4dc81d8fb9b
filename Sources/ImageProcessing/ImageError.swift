/// Why an operation on images could not be done: one sentence that says what is wrong and what to do.
public struct ImageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// A parameter lies outside the range that the operation is defined for.
        case invalidParameter
        /// The size of an image does not fit the operation.
        case invalidSize
    }

    public let code: Code
    /// What is wrong and what to do about it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func parameter(_ name: String, _ value: some CustomStringConvertible, mustBe range: String) -> ImageError {
        ImageError(.invalidParameter, "\(name) is \(value), but must be \(range)")
    }
}
