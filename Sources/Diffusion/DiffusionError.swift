public import Basics
public import Checkpoints

/// The kinds of ``DiffusionError``.
public enum DiffusionErrorCode: String, NetworkErrorCode {
    /// A file does not exist or may not be read.
    case unreadable
    /// A file is damaged, or contradicts itself.
    case malformed
    /// A file is sound, but of a network or format that is not read here.
    case unsupported
    /// Weights do not have the names, shapes or types that their config wants.
    case mismatchedWeights
    /// An image, latent, timestep or prompt that the model cannot take.
    case invalidInput
    /// A pass gave numbers that are not finite.
    case notFinite
}

/// Why a diffusion model could not be opened or used: one sentence that says what, where, and what to do.
public typealias DiffusionError = CodedError<DiffusionErrorCode>
