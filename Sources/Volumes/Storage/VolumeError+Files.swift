import Basics
import Glibc

extension VolumeError {
    /// The sentence for a file that `open` refused.
    static func cannotOpen(_ path: String, errno code: CInt) -> VolumeError {
        let message =
            switch code {
            case ENOENT: "there is no such file"
            case EACCES, EPERM: "may not be read by this user: check its permissions"
            case EISDIR: "is a folder"
            default: "cannot be opened: \(reason(code))"
            }
        return VolumeError(.unreadable, message, path: path)
    }

    /// The sentence for a file that could not be written.
    static func cannotWrite(_ path: String, errno code: CInt) -> VolumeError {
        let message =
            switch code {
            case ENOENT, ENOTDIR: "cannot be written: its folder does not exist"
            case EACCES, EPERM, EROFS: "may not be written by this user: check the permissions of its folder"
            case ENOSPC, EDQUOT: "cannot be written: the disk or the quota is full"
            default: "cannot be written: \(reason(code))"
            }
        return VolumeError(.unwritable, message, path: path)
    }

    /// The sentence for a name that is taken.
    static func alreadyExists(_ path: String) -> VolumeError {
        VolumeError(.alreadyExists, "exists already; name another file, or replace this one with --force", path: path)
    }

    /// What the system says about an error number.
    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
