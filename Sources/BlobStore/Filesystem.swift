internal import Foundation
internal import Glibc
internal import Synchronization

/// The system calls for durable files; each throws a ``BlobError`` with the reason of the system.
enum Filesystem {
    /// The type, size and age of a file or folder.
    struct Status {
        let isRegularFile: Bool
        let isDirectory: Bool
        let byteCount: Int
        let age: Duration
    }

    /// The status of a path, or nil where nothing exists there. Symbolic links are not followed.
    ///
    /// - Throws: ``BlobError`` where the system call fails for another reason.
    static func status(_ path: String) throws(BlobError) -> Status? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .system(errno, .unreadable, "cannot look at the file", path: path) }
            return nil
        }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = Duration.seconds(now.tv_sec - status.st_mtim.tv_sec) + .nanoseconds(now.tv_nsec - status.st_mtim.tv_nsec)
        return Status(
            isRegularFile: status.st_mode & S_IFMT == S_IFREG, isDirectory: status.st_mode & S_IFMT == S_IFDIR,
            byteCount: Int(status.st_size), age: max(.zero, age))
    }

    /// Creates a folder and its parents; returns whether the folder is new. A new folder is durable only after its parent is
    /// synced.
    @discardableResult
    static func makeDirectory(_ path: String) throws(BlobError) -> Bool {
        if mkdir(path, 0o777) == 0 { return true }
        let reason = errno
        if reason == ENOENT, let parent = parent(of: path), parent != path {
            try makeDirectory(parent)
            return try makeDirectory(path)
        }
        guard reason == EEXIST, isDirectory(path) else {
            throw .system(reason == EEXIST ? ENOTDIR : reason, .unwritable, "cannot make the folder", path: path)
        }
        return false
    }

    private static func parent(of path: String) -> String? {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? nil : parent
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a folder, sorted; without `.`, `..` and `.nfs…`, the files that NFS keeps for removed files that are still
    /// open; it removes these by itself.
    static func names(in directory: String) throws(BlobError) -> [String] {
        guard let stream = opendir(directory) else {
            throw .system(errno, .unreadable, "cannot list the folder", path: directory)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != "..", !name.hasPrefix(".nfs") { names.append(name) }
        }
        guard errno == 0 else { throw .system(errno, .unreadable, "cannot list the folder", path: directory) }
        return names.sorted()
    }

    /// Reads a file to its end and discards the bytes, to prove that all of it can be read.
    static func readThrough(_ path: String) throws(BlobError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, .unreadable, "cannot open the file", path: path) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw .system(errno, .unreadable, "cannot read the file", path: path) }
            if count == 0 { return }
        }
    }

    /// Forces a file or folder to the disk (`fsync`).
    ///
    /// - Parameter makingReadOnly: whether write permission is removed first.
    static func sync(_ path: String, makingReadOnly: Bool = false) throws(BlobError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(errno, .unwritable, "cannot open to sync", path: path) }
        defer { close(descriptor) }
        if makingReadOnly {
            var status = stat()
            // On a file system without permissions this fails, which does no harm.
            if fstat(descriptor, &status) == 0 { fchmod(descriptor, status.st_mode & 0o7555) }
        }
        while fsync(descriptor) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            throw .system(reason, .unwritable, "cannot force to the disk", path: path)
        }
    }

    /// Renames a file within a file system; a file with the new name is replaced.
    static func rename(_ path: String, to newPath: String) throws(BlobError) {
        guard Glibc.rename(path, newPath) == 0 else {
            throw .system(errno, .unwritable, "cannot move '\(path)' into place", path: newPath)
        }
    }

    /// Removes a file; returns false where there is none.
    @discardableResult
    static func remove(_ path: String) throws(BlobError) -> Bool {
        if unlink(path) == 0 { return true }
        guard errno == ENOENT else { throw .system(errno, .unwritable, "cannot remove the file", path: path) }
        return false
    }
}

extension Filesystem {
    /// Calls the closure for each index below `count` on up to eight threads, whatever the number of cores: the threads mostly
    /// wait for the disk, and the journal of a file system commits the files of several waiting threads at once.
    ///
    /// - Throws: the first error; after it no further index is started.
    static func forEachConcurrently(_ count: Int, _ body: @escaping @Sendable (Int) throws(BlobError) -> Void) throws(BlobError) {
        try ConcurrentWork(count: count, body: body).run()
    }
}

/// A counter of indices, of which several threads take the next one.
private final class ConcurrentWork: Sendable {
    private let count: Int
    private let body: @Sendable (Int) throws(BlobError) -> Void
    private let state = Mutex<(next: Int, failure: BlobError?)>((0, nil))

    private static let threadCount = 8

    init(count: Int, body: @escaping @Sendable (Int) throws(BlobError) -> Void) {
        self.count = count
        self.body = body
    }

    func run() throws(BlobError) {
        let group = DispatchGroup()
        for _ in 1..<max(1, min(Self.threadCount, count)) {
            group.enter()
            Thread {
                self.work()
                group.leave()
            }.start()
        }
        work()
        group.wait()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    private func work() {
        while let index = state.withLock({ state -> Int? in
            guard state.failure == nil, state.next < count else { return nil }
            defer { state.next += 1 }
            return state.next
        }) {
            do throws(BlobError) {
                try body(index)
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
    }
}
