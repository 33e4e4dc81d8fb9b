import Basics
import Glibc

/// Opens files that come from outside for reading.
///
/// Opening a named pipe would wait for a writer, perhaps forever, and a device may never end: whatever is no regular file is
/// refused. Every reader of a path that a person named opens it by this.
enum RegularFile {
    /// A descriptor of the file, which the caller closes, and the file's size in bytes.
    ///
    /// - Throws: ``VolumeError`` where the file does not exist, may not be read, or is no regular file.
    static func open(_ path: String) throws(VolumeError) -> (descriptor: CInt, byteCount: Int) {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .cannotOpen(path, errno: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let reason = errno
            close(descriptor)
            throw .cannotOpen(path, errno: reason)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw VolumeError(.unreadable, "is not a regular file", path: path)
        }
        return (descriptor, Int(status.st_size))
    }
}
