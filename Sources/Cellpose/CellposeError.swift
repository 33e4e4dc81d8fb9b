public import Checkpoints
internal import ImageProcessing

/// Why a network of CellPose could not be opened or used: one sentence that says what, where, and what to do.
public struct CellposeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A stable name for the kind of failure.
    public enum Code: String, Hashable, Sendable {
        /// The file does not exist or may not be read.
        case unreadable
        /// The file is damaged, or contradicts itself.
        case malformed
        /// The file is sound, but of another kind of network.
        case unsupported
        /// The weights do not have the names, shapes or types that the network wants.
        case mismatchedWeights
        /// An image or a diameter that the network cannot take.
        case invalidInput
        /// The network gave numbers that are not finite.
        case notFinite
    }

    public let code: Code
    /// The file of weights.
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

    /// What was wrong with an image.
    init(_ error: ImageError, path: String) { self.init(.invalidInput, error.message, path: path) }

    public var description: String { "\(path): \(message)" }
}
