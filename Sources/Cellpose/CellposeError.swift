public import Basics
public import Checkpoints
internal import ImageProcessing

/// The kinds of ``CellposeError``.
public enum CellposeErrorCode: String, NetworkErrorCode {
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

/// Why a network of CellPose could not be opened or used: one sentence that says what, where, and what to do.
public typealias CellposeError = CodedError<CellposeErrorCode>

extension CellposeError {
    /// What was wrong with an image.
    init(_ error: ImageError, path: String) { self.init(.invalidInput, error.message, path: path) }
}
