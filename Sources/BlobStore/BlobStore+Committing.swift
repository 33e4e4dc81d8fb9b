public import Basics
internal import Glibc
internal import Volumes

extension BlobStore {
    /// Writes an artifact into `staging/`, closes the file, opens it again and checks that it has the digest of what was written.
    ///
    /// The artifact is not visible yet, and not forced to the disk: ``commit(_:)`` does both, for many artifacts at once.
    /// Several threads may stage at the same time.
    ///
    /// - Parameters:
    ///   - kind: the kind of the artifact, from the table in `Schema/blobs.md`.
    ///   - write: writes the datasets and attributes; where it throws, the file is removed and the error is rethrown.
    /// - Throws: ``BlobError``, of the code `diskFull` where the disk is full, or the error of `write`.
    public func stage(kind: String, _ write: (ArtifactWriter) throws -> Void) throws -> StagedArtifact {
        // The digest is not known yet. The process id in the name tells people which process left the file.
        let owner = stagingOwner.isEmpty ? "" : "\(stagingOwner)."
        let name = "\(owner)\(kind)-\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36)).h5"
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

    /// Makes staged artifacts durable and visible: forces each file to the disk, renames it to its final name, and
    /// forces the folders to the disk. Each folder is forced once, so that committing many artifacts together is cheap.
    ///
    /// Where an artifact of the same digest is present and sound, the staged copy is removed. Where it is damaged or cannot be
    /// read, the staged copy replaces it: the copy was checked and has the same content, so that nothing is lost.
    ///
    /// The staged files are gone afterwards, whether this succeeds or not. Where it fails, some artifacts may be in place; these
    /// are complete, and staging and committing them again is safe.
    ///
    /// - Throws: ``BlobError``, of the code `diskFull` where the disk is full.
    public func commit(_ staged: [StagedArtifact]) throws(BlobError) {
        defer { for artifact in staged { discard(artifact) } }
        var touched: Set<String> = []
        var new: [StagedArtifact] = []
        for artifact in staged {
            let shard = shard(of: artifact.digest)
            if try Filesystem.makeDirectory(shard) { touched.insert(directory) }
            // Also for a present artifact: the process that renamed it may not have forced the folder to the disk yet.
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

    /// Removes a staged artifact that will not be committed.
    public func discard(_ staged: StagedArtifact) {
        // A file that cannot be removed remains as a stray, which the inventory lists.
        _ = try? Filesystem.remove(staged.path)
    }
}

/// An artifact that is written and checked, but neither durable nor visible yet; `BlobStore.commit` makes it both.
public struct StagedArtifact: Sendable, Hashable {
    /// The logical digest, which will name the file.
    public let digest: Digest
    /// The kind of the artifact, from the table in `Schema/blobs.md`.
    public let kind: String
    /// The size of the file, in bytes.
    public let byteCount: Int
    /// The path of the file in `staging/`.
    let path: String

    /// The name of the file in `staging/`, by which another process can take it over (``BlobStore/adopt(name:digest:kind:)``).
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }
}

/// Artifacts that another process staged.
extension BlobStore {
    /// Forces a staged artifact and its folder to the disk, so that it outlasts this machine until another process takes it over.
    public func sync(_ staged: StagedArtifact) throws(BlobError) {
        try Filesystem.sync(staged.path)
        try Filesystem.sync(stagingDirectory)
    }

    /// Takes over an artifact that another process staged in this store, as if it were staged here: its manifest is checked.
    ///
    /// - Parameter name: of the file, as ``StagedArtifact/name`` says.
    /// - Returns: nil where the file is gone and the artifact is in place already.
    /// - Throws: ``BlobError`` where the file is neither in `staging/` nor in place, or is another artifact.
    public func adopt(name: String, digest: Digest, kind: String) throws(BlobError) -> StagedArtifact? {
        guard !name.isEmpty, !name.contains("/"), name != "..", name != "." else {
            throw .invalid("'\(name)' cannot name a staged file", path: stagingDirectory)
        }
        let path = "\(stagingDirectory)/\(name)"
        guard let status = try Filesystem.status(path) else {
            guard condition(of: digest, deep: false) == .sound else { throw .missingArtifact(path: path) }
            return nil
        }
        let artifact = try Artifact(path: path, expected: digest)
        guard artifact.kind == kind else { throw .corrupt("is a \(artifact.kind) and no \(kind)", path: path) }
        return StagedArtifact(digest: digest, kind: kind, byteCount: status.byteCount, path: path)
    }

    /// Removes the files that some owners staged, and that nobody will commit: of processes that were killed.
    ///
    /// - Parameter isOver: whether nothing of an owner is wanted any more; asked of each owner of a file, which the name of the
    ///   file begins with.
    /// - Throws: ``BlobError`` where the folder cannot be listed or a file cannot be removed.
    public func removeStaged(by isOver: (_ owner: String) -> Bool) throws(BlobError) {
        for name in try Filesystem.names(in: stagingDirectory) {
            guard let owner = Stray.owner(ofFile: name), isOver(owner) else { continue }
            try Filesystem.remove("\(stagingDirectory)/\(name)")
        }
    }
}

/// The points at which staging and committing call the probe of a store, in order.
///
/// Where the probe throws, the artifacts that are not in place yet are discarded. Where the process dies at a point, it leaves
/// at most stray files in `staging/`; artifacts in place are complete.
public enum StorePoint: String, Sendable, Hashable, CaseIterable {
    /// The staging file exists and is empty.
    case created
    /// All datasets and attributes were passed to HDF5.
    case written
    /// The staging file is closed.
    case closed
    /// The staging file was opened again, and its manifest has the digest of what was written.
    case checked
    /// The staging file is about to be forced to the disk.
    case willSync
    /// The staging file is on the disk.
    case synced
    /// The staging file is about to be renamed to its final name.
    case willRename
    /// The file has its final name.
    case renamed
    /// The folders with the new names are on the disk: the artifacts are durable. Once for each `commit`.
    case directoriesSynced
}
