public import Basics

/// The kinds of ``VolumeError``.
public enum VolumeErrorCode: String, ErrorCode {
    /// The file does not exist or may not be opened.
    case unreadable
    /// The file could not be written.
    case unwritable
    /// A file is there that is not to be replaced.
    case alreadyExists
    /// The bytes are not of the format, or contradict themselves.
    case malformed
    /// The file ends before its header says it does.
    case truncated
    /// The file is sound, but uses a feature that is not read here.
    case unsupported
    /// The file holds several volumes, and none was named.
    case ambiguous
    /// The file declares more than this build is willing to hold in memory.
    case tooLarge
    /// A box or slice that the volume does not have was asked for.
    case outOfBounds
}

/// Why a file could not be read or written: one sentence that says what, where, and what to do.
public typealias VolumeError = CodedError<VolumeErrorCode>

extension VolumeError {
    static func outOfBounds(_ what: String, shape: VolumeShape, path: String) -> VolumeError {
        VolumeError(.outOfBounds, "\(what) does not lie in the volume of \(shape) voxels", path: path)
    }
}
