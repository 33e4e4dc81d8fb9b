public import Basics
internal import Glibc
internal import Volumes

/// The kinds of ``BlobError``.
public enum BlobErrorCode: String, ErrorCode {
    /// There is no such artifact, or no such dataset in it.
    case missing
    /// The bytes are not the artifact that they are named after.
    case corrupt
    /// The disk or the quota is full.
    case diskFull
    /// The file or folder could not be read.
    case unreadable
    /// The file or folder could not be written.
    case unwritable
    /// The caller asked for what an artifact cannot hold or does not hold: a wrong shape, type, name or size.
    case invalid
}

/// Why an artifact could not be written, read or trusted: one sentence that says what, where, and what to do.
public typealias BlobError = CodedError<BlobErrorCode>

extension BlobError {
    /// A failure of the system, of which a full disk is told apart.
    static func system(_ error: SystemError, _ code: Code, _ action: String, path: String) -> BlobError {
        if error.number == ENOSPC || error.number == EDQUOT {
            return BlobError(
                .diskFull, "\(action): the disk is full; free some space or evict artifacts, then run again", path: path)
        }
        return BlobError(code, "\(action): \(error.reason); check disk and permissions", path: path)
    }

    /// A failure of HDF5 while it wrote.
    static func writing(_ error: HDF5Error) -> BlobError {
        if let number = error.systemError { return .system(SystemError(number), .unwritable, error.action, path: error.path) }
        return BlobError(.unwritable, error.message, path: error.path)
    }

    /// A failure of HDF5 while it read: what the system did not refuse is damage, as far as HDF5 says.
    static func reading(_ error: HDF5Error) -> BlobError {
        if error.systemError == ENOENT { return .missingArtifact(path: error.path) }
        if let number = error.systemError { return .system(SystemError(number), .unreadable, error.action, path: error.path) }
        return .corrupt(error.message, path: error.path)
    }

    static func missingArtifact(path: String) -> BlobError {
        BlobError(.missing, "there is no such artifact; run the step that makes it again", path: path)
    }

    static func corrupt(_ what: String, path: String) -> BlobError {
        BlobError(.corrupt, "\(what); `cellar verify --deep --repair` removes it, and a run makes it again", path: path)
    }

    static func invalid(_ what: String, path: String) -> BlobError { BlobError(mistake: .invalid, what, path: path) }
}
