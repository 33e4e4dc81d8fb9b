import Glibc

/// What stands under a name in the file system.
struct FileStatus {
    /// What the system knows a file or folder by, whatever it is called: all links to a file have one identity.
    struct Identity: Hashable, Sendable {
        fileprivate let device: UInt64
        fileprivate let inode: UInt64
    }

    let identity: Identity
    let isFile: Bool
    let isFolder: Bool
    let isSymbolicLink: Bool
    /// How many names the file has.
    let linkCount: Int

    /// Looks at a name.
    ///
    /// - Parameter followingLinks: whether a symbolic link stands for what it leads to, or for itself.
    /// - Returns: nil with the reason where nothing is there, or nothing can be known.
    static func look(at path: String, followingLinks: Bool) -> (status: FileStatus?, errno: CInt) {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return (nil, errno) }
        let kind = status.st_mode & S_IFMT
        let found = FileStatus(
            identity: Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)), isFile: kind == S_IFREG,
            isFolder: kind == S_IFDIR, isSymbolicLink: kind == S_IFLNK, linkCount: Int(status.st_nlink))
        return (found, 0)
    }
}

extension FileStatus {
    /// What a name leads to; nil where nothing is there, or nothing can be known.
    init?(ofTargetOf path: String) {
        guard let status = Self.look(at: path, followingLinks: true).status else { return nil }
        self = status
    }
}
