import Glibc

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
