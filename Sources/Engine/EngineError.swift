public import Basics

/// The kinds of ``EngineError``.
public enum EngineErrorCode: String, ErrorCode {
    /// The recipe is no YAML, names what is no parameter, or gives a value that a parameter refuses.
    case invalidRecipe
    /// There is a recipe that cannot be read, or it cannot be written.
    case recipeFile
    /// No step has that name.
    case unknownStep
    /// Steps that contradict one another or themselves.
    case invalidSteps
    /// A model that the recipe names is not in the catalog.
    case unknownModel
    /// A step asked for what it did not declare, or did not give what it declared.
    case brokenPromise
    /// The file of a tomogram is missing, or changed while it was read.
    case source
    /// An annotation cannot be understood.
    case annotation
    /// The folder of an item that takes long cannot be made.
    case workspace
    /// No thread can be started.
    case threads
    /// The spool cannot be written, or a bundle in it cannot be computed here.
    case spool
    /// The scheduler cannot start workers.
    case scheduler
    /// The run was asked to stop.
    case cancelled
}

/// Why the engine could not do what was asked: one sentence that says what, where, and what to do.
public typealias EngineError = CodedError<EngineErrorCode>
