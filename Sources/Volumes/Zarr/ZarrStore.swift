import Basics

/// The folder of a zarr store; its files are read by key: `.zattrs`, `0/.zarray`, `0/3.1.4`, `0/zarr.json`, `0/c/3/1/4`.
///
/// Files outside the folder are never opened: keys with `..` and links that lead out of the folder are refused.
struct ZarrStore: Sendable {
    /// The folder, as it was named.
    let path: String
    /// The absolute path of the folder without symbolic links.
    let root: String

    /// The size limit of a metadata file in bytes.
    private static let metadataLimit = 1 << 20

    /// - Throws: ``VolumeError``, `.unreadable`, where there is no such folder.
    init(path: String) throws(VolumeError) {
        do throws(SystemError) { root = try FilePath.resolved(path) } catch { throw .cannotOpen(path, error) }
        self.path = path
    }

    /// The path of a key, for messages and system calls.
    func path(of key: String) -> String { key.isEmpty ? path : "\(path)/\(key)" }

    /// The key of a name inside the store: the name without empty components and without slashes at its ends.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the name has `..` or a zero byte.
    func key(named name: String) throws(VolumeError) -> String {
        let components = name.split(separator: "/").filter { $0 != "." }
        guard !components.contains(".."), !name.utf8.contains(0) else { throw .outsideStore(name, path: path) }
        return components.joined(separator: "/")
    }

    /// The key of a file or folder inside the folder of another key.
    static func key(_ key: String, in folder: String) -> String { folder.isEmpty ? key : "\(folder)/\(key)" }

    /// Whether there is a file or folder. Also true where the system cannot say: reading it then fails with the reason.
    func contains(_ key: String) -> Bool { FilePath.exists(path(of: key)) }

    /// The names in a folder; none where there is no such folder.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the key leads out of the store, or the folder cannot be listed.
    func names(in folder: String) throws(VolumeError) -> [String] {
        guard let target = try resolved(folder) else { return [] }
        var names: [String] = []
        do throws(SystemError) {
            try FilePath.forEachEntry(ofFolder: target) { name, _ in names.append(name) }
        } catch {
            throw .cannotOpen(path(of: folder), error)
        }
        return names
    }

    /// What the system says about a file; nil where there is none.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where it is a link without a target, or the system refuses.
    func status(of key: String) throws(VolumeError) -> FileStatus? {
        let path = path(of: key)
        do throws(SystemError) { return try FileStatus(of: path) } catch {
            // A link whose target is missing is an error. It must not count as a chunk that was never written.
            if error.isAbsence, (try? FileStatus(of: path, followingLinks: false)) == nil { return nil }
            throw .cannotOpen(path, error)
        }
    }

    /// The absolute path of a key without symbolic links; nil where there is nothing.
    private func resolved(_ key: String) throws(VolumeError) -> String? {
        let path = path(of: key)
        let target: String
        do throws(SystemError) { target = try FilePath.resolved(path) } catch {
            // A link whose target is missing is an error. It must not count as a chunk that was never written.
            if error.isAbsence, (try? FileStatus(of: path, followingLinks: false)) == nil { return nil }
            throw .cannotOpen(path, error)
        }
        guard target == root || target.hasPrefix(root == "/" ? root : root + "/") else {
            throw .outsideStore(key, path: self.path)
        }
        return target
    }

    /// An open file; nil where there is none.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the key leads out of the store, is a link without a target or is not a
    ///   regular file.
    func file(at key: String) throws(VolumeError) -> FileSource? {
        try resolved(key).map { (target) throws(VolumeError) in try FileSource(path: target) }
    }

    /// The bytes of a file; nil where there is none.
    ///
    /// - Throws: ``VolumeError``: `.unreadable` where the key leads out of the store, is a link without a target or is not a
    ///   regular file; `.tooLarge` where the file has more than `limit` bytes.
    func contents(of key: String, limit: Int) throws(VolumeError) -> [UInt8]? {
        guard let file = try file(at: key) else { return nil }
        guard file.size <= limit else {
            throw VolumeError(
                .tooLarge,
                "has \(file.size) bytes where at most \(limit) are expected; check that it belongs to the store",
                path: path(of: key))
        }
        return try file.bytes()
    }

    /// The JSON document in a file of at most 1 MiB; nil where there is no such file.
    ///
    /// - Throws: ``VolumeError`` as ``contents(of:limit:)`` does; `.malformed` where the JSON is not of the expected form.
    func document<Document: Decodable>(_ type: Document.Type, at key: String) throws(VolumeError) -> Document? {
        guard let bytes = try contents(of: key, limit: Self.metadataLimit) else { return nil }
        return try JSONDocument.decode(type, from: bytes, path: path(of: key))
    }
}
