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

/// What the system and the text of a path say about it.
package enum FilePath {
    /// Whether something is at a path, or at the end of a link. Also true where the system cannot say, for example in a folder
    /// without permission: opening it then reports the reason.
    ///
    /// - Complexity: one access(2).
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 || !SystemError.last.isAbsence }

    /// The absolute path without symbolic links (realpath(3)).
    ///
    /// - Throws: ``SystemError`` where nothing is at the path, or the system refuses.
    package static func resolved(_ path: String) throws(SystemError) -> String {
        guard let resolved = realpath(path, nil) else { throw .last }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The folder part of a path, with its slash at the end; empty for the current folder.
    package static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "" }

    /// Calls the closure with each name in a folder, without `.` and `..`, in the order of the file system. The kind is nil where
    /// the file system does not say it with the name.
    ///
    /// - Throws: ``SystemError`` where the folder cannot be opened or read to its end.
    package static func forEachEntry(
        ofFolder path: String, _ body: (_ name: String, _ kind: FileStatus.Kind?) -> Void
    ) throws(SystemError) {
        guard let stream = opendir(path) else { throw .last }
        defer { closedir(stream) }
        while true {
            // At the end readdir returns nil too, and leaves errno as it is.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name == "." || name == ".." { continue }
            let kind: FileStatus.Kind? =
                switch Int(entry.pointee.d_type) {
                case Int(DT_REG): .file
                case Int(DT_DIR): .folder
                case Int(DT_LNK): .symbolicLink
                case Int(DT_UNKNOWN): nil
                default: .other
                }
            body(name, kind)
        }
        guard errno == 0 else { throw .last }
    }
}
