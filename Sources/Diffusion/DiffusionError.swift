public import Checkpoints

/// Why a diffusion model could not be opened or used: one sentence that says what, where, and what to do.
public struct DiffusionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
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

    public let code: Code
    /// The file or folder.
    public let path: String
    /// What is wrong and what to do about it, without the path, beginning in lower case.
    public let message: String

    public init(_ code: Code, _ message: String, path: String) {
        self.code = code
        self.message = message
        self.path = path
    }

    /// What was wrong with a checkpoint.
    public init(_ error: CheckpointError) {
        let code: Code =
            switch error.code {
            case .unreadable, .unwritable: .unreadable
            case .malformed, .truncated: .malformed
            case .unsupported: .unsupported
            case .missingTensor, .mismatchedTensor: .mismatchedWeights
            }
        self.init(code, error.message, path: error.path)
    }

    public var description: String { "\(path): \(message)" }
}
