import Basics

/// Why a call of HDF5 failed, in HDF5's own innermost words.
package struct HDF5Error: Error, Hashable, Sendable {
    /// What was asked for, as a clause: `cannot open the dataset 'raw'`.
    package let action: String
    /// What HDF5 says went wrong first.
    package let reason: String
    /// The number of the system's error, where the system refused.
    package let systemError: Int32?
    /// The file.
    package let path: String

    package init(_ action: String, reason: String, systemError: Int32? = nil, path: String) {
        self.action = action
        self.reason = reason
        self.systemError = systemError
        self.path = path
    }

    /// The system refused.
    init(_ action: String, _ error: SystemError, path: String) {
        self.init(action, reason: error.reason, systemError: error.number, path: path)
    }

    /// The action and the reason, without the path.
    package var message: String { "\(action) (HDF5: \(reason))" }

    /// The same for a reader of volumes: a file that ends early is told from one that may not be read and from one
    /// whose bytes are wrong.
    var volumeError: VolumeError {
        if systemError != nil { return VolumeError(.unreadable, message, path: path) }
        if reason.hasPrefix("truncated file") {
            return VolumeError(.truncated, "\(action): the file ends before it says it does; copy it again", path: path)
        }
        return VolumeError(.malformed, message, path: path)
    }
}
