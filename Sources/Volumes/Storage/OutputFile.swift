public import Basics
import Foundation
import Glibc

/// A path that a file may be written to: no file is there, or the one there may be replaced and is not a known file.
///
/// Writers take an `OutputFile` and not a path, so that no writer can overwrite a tomogram. ``AtomicFile`` checks again when it
/// gives the file its name: another file that has appeared there meanwhile is not replaced.
public struct OutputFile: Hashable, Sendable {
    /// The path as it was given.
    public let path: String
    /// The identity of the file that is there and may be replaced; nil if there is none.
    let replaced: FileStatus.Identity?

    /// Checks the path.
    ///
    /// - Parameters:
    ///   - path: the path of the file.
    ///   - replacing: whether an existing file may be replaced. A symbolic link is replaced itself; its target stays.
    ///   - known: files that are never replaced, and folders in which nothing is written.
    /// - Throws: ``VolumeError``: `.unwritable` where the path is not that of a regular file; `.alreadyExists` where there is a
    ///   file that may not be replaced, or writing would change a known file.
    /// - Complexity: a few calls of stat(2); see ``KnownFiles``.
    public init(_ path: String, replacing: Bool, keeping known: KnownFiles) throws(VolumeError) {
        guard !path.isEmpty, !path.hasSuffix("/") else { throw VolumeError(.unwritable, "is no name of a file", path: path) }
        if let conflict = known.conflict(at: path) {
            throw VolumeError(
                .alreadyExists, "cannot be written: it \(conflict), which stays as it is; name another file", path: path)
        }
        self.path = path
        let (status, reason) = FileStatus.look(at: path, followingLinks: false)
        guard let status else {
            guard reason == ENOENT else { throw .cannotWrite(path, errno: reason) }
            replaced = nil
            return
        }
        let target = status.isSymbolicLink ? FileStatus(ofTargetOf: path) : status
        if let target, !target.isFile {
            throw VolumeError(
                .unwritable, "cannot be written: it is \(target.isFolder ? "a folder" : "a device or a pipe"); name a file",
                path: path)
        }
        guard replacing else { throw .alreadyExists(path) }
        replaced = status.identity
    }

    /// Writes the file, which appears complete or not at all.
    ///
    /// - Throws: ``VolumeError`` where it cannot be written, or another file has taken its name meanwhile.
    public func write(_ bytes: [UInt8]) throws(VolumeError) {
        let file = try AtomicFile(self)
        try file.write(bytes.span.bytes)
        try file.commit()
    }
}

/// Files and folders that a program must not change, whatever it is told to write: those of a catalog.
///
/// They are recognised by device and inode, not by path: a path through other folders, a symbolic link and a hard link to
/// the same file are all recognised. Files inside a known folder (an OME-Zarr image, a model) are known as well.
public struct KnownFiles: Sendable {
    /// No known files: for programs that write where there is no catalog.
    public static let none = KnownFiles()

    private var titles: [FileStatus.Identity: String] = [:]
    /// The titles of files that do not exist now, for example on a disk that is not mounted. Only their paths are known.
    private var missing: [String: String] = [:]
    private var folders: [(path: String, title: String)] = []

    private init() {}

    /// Adds a file or folder.
    ///
    /// - Parameter title: what it is, for messages: `the tomogram pombe/TS_0008`.
    /// - Complexity: one stat(2).
    public mutating func add(_ path: String, as title: String) {
        guard let status = FileStatus(ofTargetOf: path) else {
            missing[Self.canonicalPath(path)] = title
            return
        }
        titles[status.identity] = title
        if status.isFolder { folders.append((path, title)) }
    }

    /// The known file that would change if a file were written to a path, as the end of a sentence (`is the tomogram …`);
    /// nil if none would.
    ///
    /// - Complexity: a few calls of stat(2). If the path is a file with several hard links, one call for each file in the known
    ///   folders.
    func conflict(at path: String) -> String? {
        let canonical = Self.canonicalPath(path)
        if let title = missing[canonical] { return "is \(title)" }
        let target = FileStatus(ofTargetOf: path)
        if let target, let title = titles[target.identity] { return "is \(title)" }
        for place in Set([canonical, Self.resolvedPath(path) ?? canonical]) {
            for folder in Self.folders(above: place) {
                if let title = FileStatus(ofTargetOf: folder).flatMap({ titles[$0.identity] }) ?? missing[folder] {
                    return "lies in \(title)"
                }
            }
        }
        if let target, target.isFile, target.linkCount > 1, let title = folder(linking: target.identity) {
            return "is a link to a file of \(title)"
        }
        return nil
    }

    /// The title of the known folder that has a file of this identity.
    private func folder(linking identity: FileStatus.Identity) -> String? {
        for folder in folders {
            for case let name as String in FileManager.default.enumerator(atPath: folder.path) ?? .init() {
                if FileStatus(ofTargetOf: "\(folder.path)/\(name)")?.identity == identity { return folder.title }
            }
        }
        return nil
    }

    /// The absolute path without links of an existing file; nil if there is none.
    private static func resolvedPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The absolute path of a file that may not exist; links are resolved in the part of its folder path that exists.
    private static func canonicalPath(_ path: String) -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        var (folder, rest) = (url.deletingLastPathComponent(), [url.lastPathComponent])
        while true {
            if let resolved = resolvedPath(folder.path) {
                return (resolved == "/" ? "" : resolved) + "/" + rest.joined(separator: "/")
            }
            guard folder.path != "/" else { return url.path }
            rest.insert(folder.lastPathComponent, at: 0)
            folder = folder.deletingLastPathComponent()
        }
    }

    /// The folders that contain an absolute path, the nearest first.
    private static func folders(above path: String) -> [String] {
        var folders: [String] = []
        var rest = path[...]
        while let slash = rest.lastIndex(of: "/") {
            rest = rest[..<slash]
            folders.append(rest.isEmpty ? "/" : String(rest))
        }
        return folders
    }
}

/// The kind and the identity of what is at a path.
struct FileStatus {
    /// The device and inode of a file or folder: the same for all paths and hard links that lead to it.
    struct Identity: Hashable, Sendable {
        fileprivate let device: UInt64
        fileprivate let inode: UInt64
    }

    let identity: Identity
    let isFile: Bool
    let isFolder: Bool
    let isSymbolicLink: Bool
    /// The number of hard links of the file.
    let linkCount: Int

    /// Calls stat(2), or lstat(2) if `followingLinks` is false.
    ///
    /// - Returns: the status, or nil with the error number where nothing is there or the system refuses.
    static func look(at path: String, followingLinks: Bool) -> (status: FileStatus?, errno: CInt) {
        var status = stat()
        guard (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0 else { return (nil, errno) }
        let kind = status.st_mode & S_IFMT
        let found = FileStatus(
            identity: Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)), isFile: kind == S_IFREG,
            isFolder: kind == S_IFDIR, isSymbolicLink: kind == S_IFLNK, linkCount: Int(status.st_nlink))
        return (found, 0)
    }
}

extension FileStatus {
    /// The status of the file to which a path leads, through symbolic links; nil where nothing is there or the system refuses.
    init?(ofTargetOf path: String) {
        guard let status = Self.look(at: path, followingLinks: true).status else { return nil }
        self = status
    }
}

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
            // Another process may have created it meanwhile: the second look decides.
            if !isFolder(current), mkdir(current, 0o777) == 0 {
                made.append(current)
            } else if !isFolder(current) {
                let reason = errno
                for folder in made.reversed() { rmdir(folder) }
                throw .cannotWrite(path, errno: reason)
            }
            current += "/"
        }
        guard !current.isEmpty else { throw .cannotWrite(path, errno: ENOENT) }
    }

    private static func isFolder(_ path: String) -> Bool {
        let reason = errno
        defer { errno = reason }
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
