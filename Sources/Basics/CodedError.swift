/// What to do about an error that only a mistake in the program can cause.
package let reportMistake = "this is a mistake in Cellar: report it with what `cellar bug-report` writes"

/// The codes of one kind of error: an enumeration with a stable name for each kind of failure.
public protocol ErrorCode: RawRepresentable<String>, Hashable, Sendable {}

/// An error that people can act on: a stable code, one sentence that says what happened and what to do, and where.
///
/// Each target names its own kind by a code and an alias, and keeps its sentences in one file:
///
/// ```swift
/// public enum VolumeErrorCode: String, ErrorCode { case unreadable, malformed }
/// public typealias VolumeError = CodedError<VolumeErrorCode>
///
/// throw VolumeError(.malformed, "has 0 slices; write the file again", path: path)
/// // data/tomo_01.mrc: has 0 slices; write the file again
/// ```
///
/// Two errors are equal when code, message and location are.
public struct CodedError<Code: ErrorCode>: Error, Sendable {
    /// What kind of failure it is, for programs.
    public let code: Code
    /// Where: a file, a folder, or the parameter of a recipe. Empty where the message says it.
    public let location: String
    /// What happened and what to do, for people: one sentence without the location, which begins in lower case.
    public let message: String
    /// The error that led to this one, if any.
    public let cause: (any Error)?

    /// An error whose message says where.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.init(code, message, path: "", cause: cause)
    }

    /// An error in a file or folder.
    public init(_ code: Code, _ message: String, path: String, cause: (any Error)? = nil) {
        self.code = code
        self.location = path
        self.message = message
        self.cause = cause
    }

    /// An error that nothing from outside can cause, but only a mistake in the program that found it: what is wrong, and that it should be reported.
    public init(mistake code: Code, _ message: String, path: String = "") {
        self.init(code, "\(message); \(reportMistake)", path: path)
    }

    /// An error of a lower target in this target's terms: message and location stay.
    public init<Other>(_ code: Code, _ cause: CodedError<Other>) {
        self.init(code, cause.message, path: cause.location, cause: cause)
    }
}

extension CodedError {
    /// The same error with something else to do: what stands behind the first semicolon of the message.
    package func advising(_ advice: String) -> CodedError {
        let what = message.firstRange(of: "; ").map { message[..<$0.lowerBound] } ?? message[...]
        return CodedError(code, "\(what); \(advice)", path: location, cause: cause)
    }
}

extension CodedError: CustomStringConvertible {
    /// The sentence: `location: message`.
    public var description: String { location.isEmpty ? message : "\(location): \(message)" }
}

extension CodedError: Hashable {
    public static func == (a: CodedError, b: CodedError) -> Bool {
        a.code == b.code && a.location == b.location && a.message == b.message
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(code)
        hasher.combine(location)
        hasher.combine(message)
    }
}

/// The codes of a target whose operations take parameters within ranges.
public protocol ParameterErrorCode: ErrorCode {
    /// A parameter lies outside the range that the operation is defined for.
    static var invalidParameter: Self { get }
}

extension CodedError where Code: ParameterErrorCode {
    /// The sentence for a parameter outside its range: "the radius is 200; it must be in 0 … 127 pixels".
    public static func parameter(
        _ name: String, _ value: some CustomStringConvertible, mustBe range: String
    ) -> CodedError {
        CodedError(.invalidParameter, "\(name) is \(value); it must be \(range)")
    }
}
