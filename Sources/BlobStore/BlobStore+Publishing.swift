internal import Glibc
internal import Volumes

extension BlobStore {
    /// Writes an artifact into `staging/`, closes it, reopens it and checks that it holds what was written.
    ///
    /// Nothing is visible yet, and nothing is forced to the disk: ``publish(_:)`` does both, for many at once. Several
    /// threads may stage at the same time.
    ///
    /// - Parameters:
    ///   - kind: what the artifact is, from the table in `Schema/blobs.md`.
    ///   - write: writes the datasets and attributes; where it throws, the file is removed and its error passed on.
    /// - Throws: ``BlobError``, of the code `diskFull` where the disk is full, or what `write` throws.
    public func stage(kind: String, _ write: (ArtifactWriter) throws -> Void) throws -> StagedArtifact {
        // Not the digest, which is not known yet; with the process's number for people who find it.
        let name = "\(kind)-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36)).h5"
        let path = "\(stagingDirectory)/\(name)"
        var writer: ArtifactWriter?
        do {
            let artifact = try ArtifactWriter(kind: kind, path: path)
            writer = artifact
            try pass(.created, path: path)
            try write(artifact)
            let manifest = try artifact.finish { () throws(BlobError) in try pass(.written, path: path) }
            try pass(.closed, path: path)
            let digest = manifest.digest
            _ = try Artifact(path: path, expected: digest)
            try pass(.checked, path: path)
            guard let status = try Filesystem.status(path) else { throw BlobError.missingArtifact(path: path) }
            return StagedArtifact(digest: digest, kind: kind, byteCount: status.byteCount, path: path)
        } catch {
            writer?.abandon()
            _ = try? Filesystem.remove(path)
            throw error
        }
    }

    /// Makes staged artifacts durable and visible: forces every file to the disk, gives each its final name, and
    /// forces the folders to the disk. Each folder is forced once, so that many artifacts at a time are cheap.
    ///
    /// Where an artifact of the same digest is present and sound, the staged copy is dropped. Where it is damaged or cannot be
    /// read, the staged copy, which was checked, takes its place: it has the same content, so that nothing is lost whatever the
    /// reason was, and what no run can read would be of use to none.
    ///
    /// The staged artifacts are used up, whether this succeeds or not. Where it fails, an artifact may be in place
    /// nevertheless: it is whole then, and staging and publishing it again is safe.
    ///
    /// - Throws: ``BlobError``, of the code `diskFull` where the disk is full.
    public func publish(_ staged: [StagedArtifact]) throws(BlobError) {
        defer { for artifact in staged { discard(artifact) } }
        var touched: Set<String> = []
        var new: [StagedArtifact] = []
        for artifact in staged {
            let shard = shard(of: artifact.digest)
            if try Filesystem.makeDirectory(shard) { touched.insert(directory) }
            // Also of what is present: whoever put it there may not have come to this yet.
            touched.insert(shard)
            if !contains(artifact.digest) || condition(of: artifact.digest, deep: false) != .sound { new.append(artifact) }
        }
        let pending = new
        try Filesystem.forEachConcurrently(pending.count) { (index) throws(BlobError) in
            let path = pending[index].path
            try pass(.willSync, path: path)
            try Filesystem.sync(path, makingReadOnly: true)
            try pass(.synced, path: path)
        }
        for artifact in pending {
            let target = path(of: artifact.digest)
            try pass(.willRename, path: target)
            try Filesystem.rename(artifact.path, to: target)
            try pass(.renamed, path: target)
        }
        try sync(directories: touched)
        try pass(.directoriesSynced, path: directory)
    }

    /// Drops a staged artifact that will not be published.
    public func discard(_ staged: StagedArtifact) {
        // What cannot be removed is a stray, which the inventory shows.
        _ = try? Filesystem.remove(staged.path)
    }

}
