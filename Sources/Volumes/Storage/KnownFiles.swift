import Foundation
import Glibc

/// Files and folders that stay as they are, whatever a program is told to write: what a catalog knows.
///
/// They are found again by what they are, not by how they are called: a path through other folders, a symbolic link and a hard
/// link lead to the same file. What lies in a known folder (an OME-Zarr image, a model) is known as well.
public struct KnownFiles: Sendable {
    /// Nothing: for programs that write where no catalog is.
    public static let none = KnownFiles()

    private var titles: [FileStatus.Identity: String] = [:]
    /// What is not there now, on a disk that is away: the path is all that is known of it.
    private var missing: [String: String] = [:]
    private var folders: [(path: String, title: String)] = []

    private init() {}

    /// Adds a file or folder.
    ///
    /// - Parameter title: what it is, for people: `the tomogram pombe/TS_0008`.
    /// - Complexity: one stat(2).
    public mutating func add(_ path: String, as title: String) {
        guard let status = FileStatus(ofTargetOf: path) else {
            missing[Self.canonicalPath(path)] = title
            return
        }
        titles[status.identity] = title
        if status.isFolder { folders.append((path, title)) }
    }

    /// What would change if a file were written under a path, as the end of a sentence; nil where nothing that is known would.
    ///
    /// - Complexity: a few stat(2); of a file with several hard links, one for each file in the known folders.
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

    /// The known folder one of whose files has this identity.
    private func folder(linking identity: FileStatus.Identity) -> String? {
        for folder in folders {
            for case let name as String in FileManager.default.enumerator(atPath: folder.path) ?? .init() {
                if FileStatus(ofTargetOf: "\(folder.path)/\(name)")?.identity == identity { return folder.title }
            }
        }
        return nil
    }

    /// The absolute path without links of what is there.
    private static func resolvedPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The absolute path of a name that need not be there, in a folder without links as far as that is there.
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

    /// The folders above an absolute path, the nearest first.
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
