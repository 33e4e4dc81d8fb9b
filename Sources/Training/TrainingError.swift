public import Basics

/// The kinds of ``TrainingError``.
public enum TrainingErrorCode: String, ErrorCode {
    /// A setting, shape, label or state that a network cannot be made, trained or run with.
    case invalid
    /// The loss was not finite before the first epoch had ended.
    case diverged
}

/// Why a network cannot be made, trained or run: one sentence that says what, where, and what to do.
public typealias TrainingError = CodedError<TrainingErrorCode>

extension TrainingError {
    init(_ message: String) { self.init(.invalid, message) }
}
