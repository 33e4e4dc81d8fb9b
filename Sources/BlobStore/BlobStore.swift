public import Basics
internal import Volumes

/// A folder of immutable artifacts, each an HDF5 file that is named by its logical digest.
///
/// ```
/// blobs/
/// ├── staging/                       artifacts being written; what is left here by a crash is garbage
/// ├── 3f/
/// │   └── 3f0c…e1.h5                 64 hexadecimal digits; read-only; complete and durable from the moment it exists
/// └── …
/// ```
///
/// An artifact is staged, then published:
///
/// ```swift
/// let store = try BlobStore(directory: "blobs")
/// let staged = try store.stage(kind: "prepared-slice") { artifact in
///     try artifact.write("image", shape: [512, 512], values: pixels)
/// }
/// try store.publish([staged])
/// let image = try store.open(staged.digest).read("image", as: Float.self)
/// ```
///
/// A store has no state of its own: any number of them, in any number of processes, may work on one folder.
public struct BlobStore: Sendable {
    /// The folder.
    public let directory: String
    /// The version of HDF5 at work.
    public static var libraryVersion: String { HDF5Library.version }

    let probe: (@Sendable (PublishPoint) throws -> Void)?

    /// Opens the store in a folder, which is made where there is none.
    ///
    /// - Parameter probe: is told of each ``PublishPoint``, on any thread; what it throws makes the operation fail.
    /// - Throws: ``BlobError`` where the folder cannot be made.
    public init(directory: String, probe: (@Sendable (PublishPoint) throws -> Void)? = nil) throws(BlobError) {
        self.directory = directory
        self.probe = probe
        try Filesystem.makeDirectory(stagingDirectory)
    }

    var stagingDirectory: String { "\(directory)/staging" }

    func shard(of digest: Digest) -> String { "\(directory)/\(digest.hexadecimal.prefix(2))" }

    /// Where the file of an artifact is, if it is present: `ab/abcdef….h5`.
    public func path(of digest: Digest) -> String { "\(shard(of: digest))/\(digest.hexadecimal).h5" }

    /// Whether there is a file of that name, as far as the system says.
    public func contains(_ digest: Digest) -> Bool { byteCount(of: digest) != nil }

    /// The size of an artifact's file, or nil where there is none, as far as the system says.
    public func byteCount(of digest: Digest) -> Int? {
        guard let status = try? Filesystem.status(path(of: digest)), status.isRegularFile else { return nil }
        return status.byteCount
    }

    /// Opens an artifact for reading.
    ///
    /// - Throws: ``BlobError`` where there is none, or the file does not say what the digest stands for.
    public func open(_ digest: Digest) throws(BlobError) -> Artifact {
        try Artifact(path: path(of: digest), expected: digest)
    }

    /// Checks an artifact: that it exists, is whole, and says what its digest stands for.
    ///
    /// - Parameter deep: whether every element is decoded and hashed too.
    /// - Throws: ``BlobError`` that says what is wrong.
    public func verify(_ digest: Digest, deep: Bool) throws(BlobError) {
        let artifact = try open(digest)
        if deep { try artifact.verifyPayload() }
    }

    /// What a check of an artifact has proved.
    public enum Condition: Sendable, Hashable {
        /// It is there and whole, and says what its digest stands for.
        case sound
        /// There is no file.
        case missing
        /// Every byte of the file can be read, and they are not the artifact.
        case damaged(BlobError)
        /// Nothing: the system refused to read it, or had no memory or descriptors left.
        case unknown(BlobError)
    }

    /// Checks an artifact, and tells what is proved from what is not: whoever removes what is damaged goes by this.
    ///
    /// - Parameter deep: whether every element is decoded and hashed too.
    public func condition(of digest: Digest, deep: Bool) -> Condition {
        do throws(BlobError) {
            try verify(digest, deep: deep)
            return .sound
        } catch {
            switch error.code {
            case .missing: return .missing
            case .corrupt:
                // HDF5 has words for damage where the disk failed, too.
                do throws(BlobError) { try Filesystem.readThrough(path(of: digest)) } catch { return .unknown(error) }
                return .damaged(error)
            case .diskFull, .unreadable, .unwritable, .invalid: return .unknown(error)
            }
        }
    }

    /// Removes artifacts for good; one that is absent already is no error. Those that are open stay readable.
    ///
    /// - Throws: ``BlobError`` where a file cannot be removed.
    public func remove(_ digests: some Collection<Digest>) throws(BlobError) {
        var touched: Set<String> = []
        for digest in digests where try Filesystem.remove(path(of: digest)) { touched.insert(shard(of: digest)) }
        try sync(directories: touched)
    }

    /// Removes an artifact for good; one that is absent already is no error.
    public func remove(_ digest: Digest) throws(BlobError) { try remove(CollectionOfOne(digest)) }

    func sync(directories: Set<String>) throws(BlobError) {
        let paths = directories.sorted()
        try Filesystem.forEachConcurrently(paths.count) { (index) throws(BlobError) in try Filesystem.sync(paths[index]) }
    }

    /// Tells the probe, whose errors become ours.
    func pass(_ point: PublishPoint, path: String) throws(BlobError) {
        do {
            try probe?(point)
        } catch let error as BlobError {
            throw error
        } catch {
            throw BlobError(.unwritable, "stopped at the point '\(point.rawValue)': \(error)", path: path)
        }
    }
}
