public import Basics
internal import Glibc
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
/// An artifact is staged, then committed:
///
/// ```swift
/// let store = try BlobStore(directory: "blobs")
/// let staged = try store.stage(kind: "prepared-slice") { artifact in
///     try artifact.write("image", shape: [512, 512], values: pixels)
/// }
/// try store.commit([staged])
/// let image = try store.open(staged.digest).read("image", as: Float.self)
/// ```
///
/// A store has no state of its own: any number of stores, in any number of processes, may use one folder.
public struct BlobStore: Sendable {
    /// The path of the folder.
    public let directory: String
    /// The version of the HDF5 library that is loaded.
    public static var libraryVersion: String { HDF5Library.version }

    let probe: (@Sendable (StorePoint) throws -> Void)?
    /// Whether other hosts may write here, whose files are not seen at once.
    private let isShared: Bool
    /// The beginning of the names of the files that it stages; empty for none.
    let stagingOwner: String

    /// Opens the store in a folder, and creates the folder where it does not exist.
    ///
    /// - Parameters:
    ///   - stagingOwner: the beginning of the names of files that are staged, by which ``removeStaged(by:)`` finds them; see there.
    ///   - probe: called at each ``StorePoint``, on any thread; an error that it throws makes the operation fail. Tests use it to
    ///     stop at a point.
    /// - Throws: ``BlobError`` where the folder cannot be created.
    public init(
        directory: String, stagingOwner: String = "", probe: (@Sendable (StorePoint) throws -> Void)? = nil
    ) throws(BlobError) {
        self.directory = directory
        self.stagingOwner = stagingOwner
        self.probe = probe
        isShared = FileSystemKind(ofPath: directory).isShared
        try Filesystem.makeDirectory(stagingDirectory)
    }

    var stagingDirectory: String { "\(directory)/staging" }

    /// The folder of an artifact's file, named by the first two digits of the digest.
    func shard(of digest: Digest) -> String { "\(directory)/\(digest.hexadecimal.prefix(2))" }

    /// The path of an artifact's file, whether or not it exists: `ab/abcdef….h5` in the folder of the store.
    public func path(of digest: Digest) -> String { "\(shard(of: digest))/\(digest.hexadecimal).h5" }

    /// Whether the file of an artifact exists; its content is not checked. False where the system returns an error.
    public func contains(_ digest: Digest) -> Bool { byteCount(of: digest) != nil }

    /// The size of an artifact's file in bytes; nil where there is none, or the system returns an error.
    public func byteCount(of digest: Digest) -> Int? {
        if let status = try? Filesystem.status(path(of: digest)), status.isFile { return status.byteCount }
        guard isShared else { return nil }
        Filesystem.lookAgain(at: shard(of: digest))
        guard let status = try? Filesystem.status(path(of: digest)), status.isFile else { return nil }
        return status.byteCount
    }

    /// Opens an artifact for reading.
    ///
    /// On a file system that hosts share, one that is not there is looked for again for a second: another host may just have written it.
    ///
    /// - Throws: ``BlobError`` where there is none, or the manifest of the file has another digest.
    public func open(_ digest: Digest) throws(BlobError) -> Artifact {
        for pauseInMicroseconds in isShared ? Self.pausesInMicroseconds : [] {
            do throws(BlobError) { return try Artifact(path: path(of: digest), expected: digest) } catch {
                guard error.code == .missing || error.code == .unreadable else { throw error }
            }
            usleep(pauseInMicroseconds)
            Filesystem.lookAgain(at: shard(of: digest))
        }
        return try Artifact(path: path(of: digest), expected: digest)
    }

    private static let pausesInMicroseconds: [UInt32] = [0, 50_000, 200_000, 800_000]

    /// Checks that an artifact exists, is complete, and has a manifest with its digest.
    ///
    /// - Parameter deep: whether all elements are decoded and hashed too.
    /// - Throws: ``BlobError`` that says what is wrong.
    public func verify(_ digest: Digest, deep: Bool) throws(BlobError) {
        let artifact = try open(digest)
        if deep { try artifact.verifyPayload() }
    }

    /// The result of checking an artifact.
    public enum Condition: Sendable, Hashable {
        /// It exists, is complete, and has a manifest with its digest.
        case sound
        /// There is no file.
        case missing
        /// The whole file can be read, and its content is not the artifact.
        case damaged(BlobError)
        /// Nothing is proved: the system refused to read the file, or had no memory or file descriptors left.
        case unknown(BlobError)
    }

    /// Checks an artifact like ``verify(_:deep:)``, and distinguishes proved damage from failures to read. Code that removes
    /// damaged artifacts must use this.
    ///
    /// - Parameter deep: whether all elements are decoded and hashed too.
    public func condition(of digest: Digest, deep: Bool) -> Condition {
        do throws(BlobError) {
            try verify(digest, deep: deep)
            return .sound
        } catch {
            switch error.code {
            case .missing: return .missing
            case .corrupt:
                // HDF5 also reports damage where the disk failed to read, so the file is read once more without HDF5.
                do throws(BlobError) { try Filesystem.readThrough(path(of: digest)) } catch { return .unknown(error) }
                return .damaged(error)
            case .diskFull, .unreadable, .unwritable, .invalid: return .unknown(error)
            }
        }
    }

    /// Removes artifacts durably: the folders are forced to the disk. A missing artifact is no error. Artifacts that are open
    /// stay readable.
    ///
    /// - Throws: ``BlobError`` where a file cannot be removed.
    public func remove(_ digests: some Collection<Digest>) throws(BlobError) {
        var touched: Set<String> = []
        for digest in digests where try Filesystem.remove(path(of: digest)) { touched.insert(shard(of: digest)) }
        try sync(directories: touched)
    }

    /// Removes one artifact; see ``remove(_:)-(Collection<Digest>)``.
    public func remove(_ digest: Digest) throws(BlobError) { try remove(CollectionOfOne(digest)) }

    /// Forces folders to the disk.
    func sync(directories: Set<String>) throws(BlobError) {
        let paths = directories.sorted()
        try Filesystem.forEachConcurrently(paths.count) { (index) throws(BlobError) in try Filesystem.sync(paths[index]) }
    }

    /// Calls the probe at a point; an error of it becomes a ``BlobError``.
    func pass(_ point: StorePoint, path: String) throws(BlobError) {
        do {
            try probe?(point)
        } catch let error as BlobError {
            throw error
        } catch {
            throw BlobError(.unwritable, "stopped at the point '\(point.rawValue)': \(error)", path: path)
        }
    }
}

/// A file or folder in a store whose path is not that of an artifact.
public struct Stray: Sendable, Hashable {
    /// The path, beginning with the store's folder.
    public let path: String
    /// The size, in bytes.
    public let byteCount: Int
    /// The time since the last modification.
    public let age: Duration
    /// Whether it is in `staging/`: it is being written, or a killed process left it.
    public let isStaged: Bool

    /// Whether one of some owners staged it.
    public func isOwned(by owners: Set<String>) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return Self.owner(ofFile: name).map { owners.contains(String($0)) } ?? false
    }

    /// Who staged a file, by its name; nil where that is nobody who asked for it.
    static func owner(ofFile name: some StringProtocol) -> String? {
        // A name without an owner has one dot, before `h5`.
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 ? String(parts[0]) : nil
    }
}

extension BlobStore {
    /// Lists the store by names alone; no file is opened.
    ///
    /// - Returns: the digests of the artifacts in ascending order, and all other files and folders.
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
            guard folder == "staging" || isShard(folder), try Filesystem.status(folderPath)?.isFolder == true else {
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

    /// Removes files that killed processes left in `staging/`. Strays elsewhere are kept, because the store did not write them.
    ///
    /// - Parameters:
    ///   - age: files that were modified more recently are kept, because a process may still be writing them.
    ///   - owners: whose files are kept; see ``removeStaged(by:)``.
    /// - Returns: the files that were removed.
    /// - Throws: ``BlobError`` where a folder cannot be listed or a file cannot be removed.
    @discardableResult
    public func removeStrays(olderThan age: Duration, keepingThoseOf owners: Set<String> = []) throws(BlobError) -> [Stray] {
        var removed: [Stray] = []
        for stray in try inventory().strays where stray.isStaged && stray.age > age && !stray.isOwned(by: owners) {
            if try Filesystem.remove(stray.path) { removed.append(stray) }
        }
        return removed
    }

    /// Whether a folder's name is two hexadecimal digits.
    private func isShard(_ name: String) -> Bool {
        name.utf8.count == 2 && name.utf8.allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }
}
