public import Basics
internal import Volumes

/// A file in a store that is no artifact by its place and name.
public struct Stray: Sendable, Hashable {
    public let path: String
    public let byteCount: Int
    /// The time since it was last written.
    public let age: Duration
    /// Whether it is in `staging/`: being written now, or left behind by a process that was killed.
    public let isStaged: Bool
}

extension BlobStore {
    /// What is in the store, by names alone: no file is opened.
    ///
    /// - Returns: the digests of the artifacts in ascending order, and every other file or folder.
    /// - Throws: ``BlobError`` where a folder cannot be listed.
    public func inventory() throws(BlobError) -> (digests: [Digest], strays: [Stray]) {
        var digests: [Digest] = []
        var strays: [Stray] = []
        func addStray(_ path: String, isStaged: Bool = false) throws(BlobError) {
            guard let status = try Filesystem.status(path) else { return }
            strays.append(Stray(path: path, byteCount: status.byteCount, age: status.age, isStaged: isStaged))
        }
        for folder in try Filesystem.names(in: directory) {
            let folderPath = "\(directory)/\(folder)"
            guard folder == "staging" || isShard(folder), try Filesystem.status(folderPath)?.isDirectory == true else {
                try addStray(folderPath)
                continue
            }
            for name in try Filesystem.names(in: folderPath) {
                let path = "\(folderPath)/\(name)"
                if folder != "staging", name.hasSuffix(".h5"), let digest = Digest(hexadecimal: name.dropLast(3)),
                    self.path(of: digest) == path
                {
                    digests.append(digest)
                } else {
                    try addStray(path, isStaged: folder == "staging")
                }
            }
        }
        return (digests.sorted(), strays)
    }

    /// Removes what killed processes left in `staging/`. Files elsewhere that are no artifacts are not ours to remove.
    ///
    /// - Parameter age: what was written more recently may belong to a process that is still at it, and stays.
    /// - Returns: what was removed.
    /// - Throws: ``BlobError`` where a folder cannot be listed or a file cannot be removed.
    @discardableResult
    public func removeStrays(olderThan age: Duration) throws(BlobError) -> [Stray] {
        var removed: [Stray] = []
        for stray in try inventory().strays where stray.isStaged && stray.age > age {
            if try Filesystem.remove(stray.path) { removed.append(stray) }
        }
        return removed
    }

    private func isShard(_ name: String) -> Bool {
        name.utf8.count == 2 && name.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }
}
