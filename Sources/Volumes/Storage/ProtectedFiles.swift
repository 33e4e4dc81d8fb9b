import Basics
import Foundation

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
