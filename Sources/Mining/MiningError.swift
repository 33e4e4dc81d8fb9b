public import Basics

/// The kinds of ``MiningError``.
public enum MiningErrorCode: String, ParameterErrorCode {
    /// A parameter lies outside the range that the operation is defined for.
    case invalidParameter
    /// A slice does not fit the volume, slices are missing, the volume does not fit the memory, or a box or a row has another number of values.
    case invalidSize
    /// A density or a component is NaN or infinite.
    case invalidInput
    /// There are more things than their numbers can hold.
    case tooMany
    /// There are too few rows or distances to learn from.
    case tooFew
}

/// Why a collection cannot be mined: one sentence that says what, where, and what to do.
public typealias MiningError = CodedError<MiningErrorCode>
