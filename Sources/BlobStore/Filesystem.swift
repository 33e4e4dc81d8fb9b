internal import Basics
internal import Foundation
internal import Glibc
internal import Synchronization
internal import Volumes

/// The system calls for durable files; each throws a ``BlobError`` with the reason of the system.
enum Filesystem {
    /// The status of a path, or nil where nothing exists there. Symbolic links are not followed.
    ///
    /// - Throws: ``BlobError`` where the system call fails for another reason.
    static func status(_ path: String) throws(BlobError) -> FileStatus? {
        do throws(SystemError) { return try FileStatus(of: path, followingLinks: false) } catch {
            guard error.number == ENOENT else { throw .system(error, .unreadable, "cannot look at the file", path: path) }
            return nil
        }
    }

    /// Creates a folder and its parents; returns whether the folder is new. A new folder is durable only after its parent is
    /// synced.
    @discardableResult
    static func makeDirectory(_ path: String) throws(BlobError) -> Bool {
        if mkdir(path, 0o777) == 0 { return true }
        let reason = SystemError.last
        if reason.number == ENOENT, let parent = parent(of: path), parent != path {
            try makeDirectory(parent)
            return try makeDirectory(path)
        }
        guard reason.number == EEXIST, FileStatus.isFolder(path) else {
            throw .system(
                reason.number == EEXIST ? SystemError(ENOTDIR) : reason, .unwritable, "cannot make the folder", path: path)
        }
        return false
    }

    private static func parent(of path: String) -> String? {
        let parent = (path as NSString).deletingLastPathComponent
        return parent.isEmpty ? nil : parent
    }

    /// The names in a folder, sorted; without `.`, `..` and `.nfs…`, the files that NFS keeps for removed files that are still
    /// open; it removes these by itself.
    static func names(in directory: String) throws(BlobError) -> [String] {
        var names: [String] = []
        do throws(SystemError) {
            try FilePath.forEachEntry(ofFolder: directory) { name, _ in if !name.hasPrefix(".nfs") { names.append(name) } }
        } catch {
            throw .system(error, .unreadable, "cannot list the folder", path: directory)
        }
        return names.sorted()
    }

    /// Reads a file to its end and discards the bytes, to prove that all of it can be read.
    static func readThrough(_ path: String) throws(BlobError) {
        do throws(VolumeError) { try FileSource(path: path).forEachBlock { _ in } } catch { throw BlobError(.unreadable, error) }
    }

    /// Forces a file or folder to the disk (`fsync`).
    ///
    /// - Parameter makingReadOnly: whether write permission is removed first.
    static func sync(_ path: String, makingReadOnly: Bool = false) throws(BlobError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(.last, .unwritable, "cannot open to sync", path: path) }
        defer { close(descriptor) }
        if makingReadOnly {
            // On a file system without permissions this fails, which does no harm.
            if let status = try? FileStatus(ofDescriptor: descriptor) { fchmod(descriptor, status.permissions & 0o7555) }
        }
        do throws(SystemError) { try SystemCall.uninterrupted { fsync(descriptor) } } catch {
            // Some network file systems cannot do that for folders: their servers do it by themselves.
            guard error.number == EINVAL, FileStatus.isFolder(path) else {
                throw .system(error, .unwritable, "cannot force to the disk", path: path)
            }
        }
    }

    /// Has the system ask the file server what is in a folder. NFS keeps in mind for up to a minute that a file is not there, and asks
    /// again when the folder is opened.
    static func lookAgain(at folder: String) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Renames a file within a file system; a file with the new name is replaced.
    static func rename(_ path: String, to newPath: String) throws(BlobError) {
        if Glibc.rename(path, newPath) == 0 { return }
        let reason = SystemError.last
        // The answer of an NFS server may be lost, and the call be made again: then the file is in place already.
        if reason.number == ENOENT, !FilePath.exists(path), (try? FileStatus(of: newPath, followingLinks: false))?.isFile == true
        {
            return
        }
        throw .system(reason, .unwritable, "cannot move '\(path)' into place", path: newPath)
    }

    /// Removes a file; returns false where there is none.
    @discardableResult
    static func remove(_ path: String) throws(BlobError) -> Bool {
        if unlink(path) == 0 { return true }
        // ESTALE: another host was faster.
        guard errno == ENOENT || errno == ESTALE else {
            throw .system(.last, .unwritable, "cannot remove the file", path: path)
        }
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
