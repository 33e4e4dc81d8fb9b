import Glibc

/// Folders that something is to be written into.
package enum NewFolder {
    /// Makes a folder, and the folders above it that are missing: all of them, or none where one cannot be made. One that is
    /// there already is left as it is.
    ///
    /// - Throws: ``VolumeError`` where it cannot be made.
    package static func make(_ path: String) throws(VolumeError) {
        var made: [String] = []
        var current = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            current += component
            // Another process may have made it meanwhile.
            if !isFolder(current), mkdir(current, 0o777) == 0 {
                made.append(current)
            } else if !isFolder(current) {
                let reason = errno
                for folder in made.reversed() { rmdir(folder) }
                throw .cannotWrite(path, errno: reason)
            }
            current += "/"
        }
        guard !current.isEmpty else { throw .cannotWrite(path, errno: ENOENT) }
    }

    private static func isFolder(_ path: String) -> Bool {
        let reason = errno
        defer { errno = reason }
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
