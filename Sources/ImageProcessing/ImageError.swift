public import Basics

/// The kinds of ``ImageError``.
public enum ImageErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside the range that the operation is defined for.
    case invalidParameter
    /// The size of an image does not fit the operation.
    case invalidSize
}

/// Why an operation on images could not be done: one sentence that says what is wrong and what to do.
public typealias ImageError = CodedError<ImageErrorCode>
