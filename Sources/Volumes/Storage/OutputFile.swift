public import Basics
import Foundation
import Glibc

/// A path that a file may be written to: no file is there, or the one there may be replaced and is not protected.
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
    ///   - protected: files that are never replaced, and folders in which nothing is written.
    /// - Throws: ``VolumeError``: `.unwritable` where the path is not that of a regular file; `.alreadyExists` where there is a
    ///   file that may not be replaced, or writing would change a protected file.
    /// - Complexity: a few calls of stat(2); see ``ProtectedFiles``.
    public init(_ path: String, replacing: Bool, protecting protected: ProtectedFiles) throws(VolumeError) {
        guard !path.isEmpty, !path.hasSuffix("/") else {
            throw VolumeError(.unwritable, "is no name of a file; give one that does not end with a slash", path: path)
        }
        if let conflict = protected.conflict(at: path) {
            throw VolumeError(
                .alreadyExists, "cannot be written: it \(conflict), which stays as it is; name another file", path: path)
        }
        self.path = path
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(of: path, followingLinks: false) } catch {
            guard error.number == ENOENT else { throw .cannotWrite(path, error) }
            replaced = nil
            return
        }
        let target = status.isSymbolicLink ? try? FileStatus(of: path) : status
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
/// the same file are all recognised. Files inside a protected folder (an OME-Zarr image, a model) are protected as well.
public struct ProtectedFiles: Sendable {
    /// No files: for programs that write where there is no catalog.
    public static let none = ProtectedFiles()

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
        guard let status = try? FileStatus(of: path) else {
            missing[Self.canonicalPath(path)] = title
            return
        }
        titles[status.identity] = title
        if status.isFolder { folders.append((path, title)) }
    }

    /// The protected file that would change if a file were written to a path, as the end of a sentence (`is the tomogram …`);
    /// nil if none would.
    ///
    /// - Complexity: a few calls of stat(2). If the path is a file with several hard links, one call for each file in the protected
    ///   folders.
    func conflict(at path: String) -> String? {
        let canonical = Self.canonicalPath(path)
        if let title = missing[canonical] { return "is \(title)" }
        let target = try? FileStatus(of: path)
        if let target, let title = titles[target.identity] { return "is \(title)" }
        for place in Set([canonical, (try? FilePath.resolved(path)) ?? canonical]) {
            for folder in Self.folders(above: place) {
                if let title = (try? FileStatus(of: folder)).flatMap({ titles[$0.identity] }) ?? missing[folder] {
                    return "lies in \(title)"
                }
            }
        }
        if let target, target.isFile, target.linkCount > 1, let title = folder(linking: target.identity) {
            return "is a link to a file of \(title)"
        }
        return nil
    }

    /// The protected file in a folder, as the end of a sentence (`holds the tomogram …`); nil if there is none.
    ///
    /// - Complexity: one lstat(2) for each file in the folder.
    func conflict(inFolder path: String) -> String? {
        let canonical = Self.canonicalPath(path) + "/"
        if let title = missing.first(where: { $0.key.hasPrefix(canonical) })?.value { return "holds \(title)" }
        guard !titles.isEmpty else { return nil }
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
            if let status = try? FileStatus(of: "\(path)/\(name)", followingLinks: false), let title = titles[status.identity] {
                return "holds \(title)"
            }
        }
        return nil
    }

    /// The title of the protected folder that has a file of this identity.
    private func folder(linking identity: FileStatus.Identity) -> String? {
        for folder in folders {
            for case let name as String in FileManager.default.enumerator(atPath: folder.path) ?? .init() {
                if (try? FileStatus(of: "\(folder.path)/\(name)"))?.identity == identity { return folder.title }
            }
        }
        return nil
    }

    /// The absolute path of a file that may not exist; links are resolved in the part of its folder path that exists.
    private static func canonicalPath(_ path: String) -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        var (folder, rest) = (url.deletingLastPathComponent(), [url.lastPathComponent])
        while true {
            if let resolved = try? FilePath.resolved(folder.path) {
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
            if !FileStatus.isFolder(current) {
                if mkdir(current, 0o777) == 0 {
                    made.append(current)
                } else {
                    let reason = SystemError.last
                    // Another process may have created it meanwhile: the second look decides.
                    guard FileStatus.isFolder(current) else {
                        for folder in made.reversed() { rmdir(folder) }
                        throw .cannotWrite(path, reason)
                    }
                }
            }
            current += "/"
        }
        guard !current.isEmpty else { throw .cannotWrite(path, SystemError(ENOENT)) }
    }
}
