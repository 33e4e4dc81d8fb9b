import Basics
import Glibc

/// Creates folders for files that are to be written.
package enum NewFolder {
    /// Creates a folder and the missing folders above it. If one of them cannot be created, none is left behind. An existing
    /// folder is not changed.
    ///
    /// - Throws: ``VolumeError``, `.unwritable`, where it cannot be created.
    package static func make(_ path: String) throws(VolumeError) {
        var made: [String] = []
        var current = path.hasPrefix("/") ? "/" : ""
        for component in path.split(separator: "/") {
            current += component
            if !FileStatus.isFolder(current) {
                if mkdir(current, 0o777) == 0 {
                    made.append(current)
                } else {
                    let reason = SystemError.last
                    // Another process may have created it meanwhile: the second look decides.
                    guard FileStatus.isFolder(current) else {
                        for folder in made.reversed() { rmdir(folder) }
                        throw .cannotWrite(path, reason)
                    }
                }
            }
            current += "/"
        }
        guard !current.isEmpty else { throw .cannotWrite(path, SystemError(ENOENT)) }
    }
}
