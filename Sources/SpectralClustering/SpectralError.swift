/// Why eigenvectors could not be computed: one sentence that says what is wrong and what to do.
public struct SpectralError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// A parameter lies outside the range that the operation is defined for.
        case invalidParameter
        /// Affinities or tokens do not have the size that they claim, or do not fit each other.
        case invalidSize
        /// Affinities or tokens hold numbers that are not finite.
        case notFinite
        /// All tokens are alike: no vector separates some from others.
        case degenerate
    }

    public let code: Code
    /// What is wrong and what to do about it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static func parameter(_ name: String, _ value: some CustomStringConvertible, mustBe range: String) -> SpectralError {
        SpectralError(.invalidParameter, "\(name) is \(value), but must be \(range)")
    }

    static func size(_ message: String) -> SpectralError { SpectralError(.invalidSize, message) }

    static func notFinite(_ what: String) -> SpectralError {
        SpectralError(.notFinite, "\(what) hold numbers that are not finite; compute the features again")
    }

    static func degenerate(_ message: String) -> SpectralError { SpectralError(.degenerate, message) }
}
