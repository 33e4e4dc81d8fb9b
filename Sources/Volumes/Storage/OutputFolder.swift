public import Basics
import Foundation
import Glibc

/// A path that a folder may be written to: nothing is there, or an image that may be replaced and is not protected.
///
/// Only a zarr array or image is ever replaced, since everything in the folder goes: no other folder, whatever is forced.
public struct OutputFolder: Hashable, Sendable {
    /// The path as it was given, without slashes at its end.
    public let path: String
    /// The identity of the folder (or link) that is there and may be replaced; nil if there is none.
    let replaced: FileStatus.Identity?

    /// Checks the path, as ``OutputFile`` does.
    ///
    /// - Parameters:
    ///   - path: the path of the folder.
    ///   - replacing: whether an image that is there may be replaced. A symbolic link is replaced itself; its target stays.
    ///   - protected: files that are never replaced, and folders in which nothing is written.
    /// - Throws: ``VolumeError``: `.unwritable` where the path is not that of a folder; `.alreadyExists` where something is there
    ///   that may not be replaced, or writing would change a protected file.
    /// - Complexity: a few calls of stat(2); one for each file of a folder that is to be replaced.
    public init(_ path: String, replacing: Bool, protecting protected: ProtectedFiles) throws(VolumeError) {
        var name = path[...]
        while name.count > 1, name.hasSuffix("/") { name.removeLast() }
        let trimmed = String(name)
        guard let last = trimmed.split(separator: "/").last, last != ".", last != ".." else {
            throw VolumeError(.unwritable, "is no name of a folder; give one that ends in neither . nor ..", path: path)
        }
        if let conflict = protected.conflict(at: trimmed) {
            throw VolumeError(
                .alreadyExists, "cannot be written: it \(conflict), which stays as it is; name another folder", path: path)
        }
        self.path = trimmed
        let status: FileStatus
        do throws(SystemError) { status = try FileStatus(of: trimmed, followingLinks: false) } catch {
            guard error.number == ENOENT else { throw .cannotWrite(path, error) }
            replaced = nil
            return
        }
        let target = status.isSymbolicLink ? try? FileStatus(of: trimmed) : status
        if let target, !target.isFolder {
            throw VolumeError(.unwritable, "cannot be written: it is a file, where a folder would be; name another", path: path)
        }
        guard replacing else { throw .alreadyExists(path) }
        if target != nil, !Self.isImage(trimmed) {
            throw VolumeError(
                .alreadyExists, "is a folder and no zarr image, and stays as it is; name another folder", path: path)
        }
        if status.isFolder, let conflict = protected.conflict(inFolder: trimmed) {
            throw VolumeError(
                .alreadyExists, "cannot be replaced: it \(conflict), which stays as it is; name another folder", path: path)
        }
        replaced = status.identity
    }

    /// Whether a folder is one zarr array or image, or what a killed program left of one; not a group of several.
    private static func isImage(_ path: String) -> Bool {
        guard let store = try? ZarrStore(path: path) else { return false }
        if (try? store.arrayKey("")) != nil { return true }
        return (try? store.names(in: "")) == [".zgroup"]
    }
}
