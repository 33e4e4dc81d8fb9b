public import Basics

/// The kinds of ``SpectralError``.
public enum SpectralErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside the range that the operation is defined for.
    case invalidParameter
    /// Affinities or tokens do not have the size that they claim, or do not fit each other.
    case invalidSize
    /// Affinities or tokens hold numbers that are not finite.
    case notFinite
    /// All tokens are alike: no vector separates some from others.
    case degenerate
}

/// Why eigenvectors could not be computed: one sentence that says what is wrong and what to do.
public typealias SpectralError = CodedError<SpectralErrorCode>

extension SpectralError {
    static func size(_ message: String) -> SpectralError { SpectralError(.invalidSize, message) }

    static func notFinite(_ what: String) -> SpectralError {
        SpectralError(.notFinite, "\(what) hold numbers that are not finite; compute the features again")
    }

    static func degenerate(_ message: String) -> SpectralError { SpectralError(.degenerate, message) }
}
