public import Basics

/// The kinds of ``PipelineError``.
public enum PipelineErrorCode: String, ErrorCode {
    /// An item whose inputs or parameters do not allow its step to do its work.
    case item
    /// A training set whose labels teach nothing: a class without a voxel or particle, or one class alone.
    case nothingToLearn
    /// The same, because there is not one voxel or particle of a class: nobody can mend that by a value of the recipe.
    case noneInLabels
}

/// Why a step could not do its work on an item: one sentence that says what, and what to do.
public typealias PipelineError = CodedError<PipelineErrorCode>

extension PipelineError {
    /// Whether it says that labels teach nothing.
    var teachesNothing: Bool { code == .nothingToLearn || code == .noneInLabels }

    public init(_ message: String) { self.init(.item, message) }
}
