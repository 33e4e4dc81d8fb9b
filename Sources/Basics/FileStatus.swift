import Glibc

/// What is at a path, as stat(2) says: its kind, identity, size and times.
package struct FileStatus: Sendable {
    package enum Kind: Sendable {
        case file, folder, symbolicLink
        /// A device, a pipe or a socket.
        case other
    }

    /// The device and inode of a file or folder: the same for all paths and hard links that lead to it.
    package struct Identity: Hashable, Sendable {
        package let device: UInt64
        package let inode: UInt64
    }

    package let kind: Kind
    package let identity: Identity
    /// The size of a file in bytes.
    package let byteCount: Int
    /// The number of hard links of the file.
    package let linkCount: Int
    /// The permissions: the lower twelve bits of the mode.
    package let permissions: UInt32
    /// The time of the last change of the content, since 1970 in UTC.
    package let modified: (seconds: Int, nanoseconds: Int)

    package var isFile: Bool { kind == .file }
    package var isFolder: Bool { kind == .folder }
    package var isSymbolicLink: Bool { kind == .symbolicLink }

    /// The status of what is at a path.
    ///
    /// - Parameter followingLinks: whether a symbolic link stands for its target, and not for itself.
    /// - Throws: ``SystemError`` where nothing is there, or the system refuses.
    /// - Complexity: one stat(2) or lstat(2).
    package init(of path: String, followingLinks: Bool = true) throws(SystemError) {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { throw .last }
        self.init(status)
    }

    /// The status of an open file.
    ///
    /// - Throws: ``SystemError`` where the system refuses.
    /// - Complexity: one fstat(2).
    package init(ofDescriptor descriptor: CInt) throws(SystemError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .last }
        self.init(status)
    }

    private init(_ status: stat) {
        kind =
            switch status.st_mode & S_IFMT {
            case S_IFREG: .file
            case S_IFDIR: .folder
            case S_IFLNK: .symbolicLink
            default: .other
            }
        identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        byteCount = Int(status.st_size)
        linkCount = Int(status.st_nlink)
        permissions = UInt32(status.st_mode) & 0o7777
        modified = (Int(status.st_mtim.tv_sec), Int(status.st_mtim.tv_nsec))
    }
}

extension FileStatus {
    /// The time since the last change of the content; zero where that lies in the future.
    package var age: Duration {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return max(.zero, .seconds(now.tv_sec - modified.seconds) + .nanoseconds(now.tv_nsec - modified.nanoseconds))
    }

    /// Whether a folder is at a path, or a link to one. False where the system cannot say.
    package static func isFolder(_ path: String) -> Bool { (try? FileStatus(of: path))?.isFolder ?? false }
}
