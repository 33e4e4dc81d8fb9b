public import Basics
public import Catalog
import Foundation
internal import Volumes

/// The folders in which items that take long keep their state until they are done, one for each key.
public struct WorkFolder: Sendable {
    /// A folder that is left: its item was stopped, failed, or will not run again under this key.
    public struct Workspace: Sendable, Hashable {
        public let key: Digest
        public let byteCount: Int
    }

    private let path: String

    public init(_ directory: CatalogDirectory) { path = directory.work }

    /// The folders, in ascending order of keys.
    ///
    /// - Throws: ``EngineError`` where the folder exists and cannot be listed.
    public func workspaces() throws(EngineError) -> [Workspace] {
        var names: [String] = []
        if access(path, F_OK) == 0 || errno != ENOENT {
            do { names = try FileManager.default.contentsOfDirectory(atPath: path) } catch {
                throw EngineError(
                    .workspace, "the folder \(path) could not be listed: \(error.localizedDescription); check its permissions")
            }
        }
        return names.sorted().compactMap { name in
            Digest(hexadecimal: name).map { Workspace(key: $0, byteCount: byteCount(below: "\(path)/\(name)")) }
        }
    }

    private func byteCount(below folder: String) -> Int {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.reduce(0) { sum, name in
            let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")
            guard attributes?[.type] as? FileAttributeType == .typeRegular else { return sum }
            return sum + (attributes?[.size] as? Int ?? 0)
        }
    }

    /// Whether all that is left in a folder are the files that NFS keeps for removed files that are open. They go by themselves, and the
    /// folder when it is cleaned up the next time.
    private func isKeptByNFS(_ folder: String) -> Bool {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return !names.isEmpty && names.allSatisfy { FileStatus.isFolder("\(folder)/\($0)") || $0.contains(".nfs") }
    }

    /// Removes folders. No run may be in progress.
    ///
    /// - Throws: ``EngineError`` where one cannot be removed.
    public func remove(_ workspaces: [Workspace]) throws {
        for workspace in workspaces {
            let folder = "\(path)/\(workspace.key.hexadecimal)"
            do {
                try FileManager.default.removeItem(atPath: folder)
            } catch {
                if isKeptByNFS(folder) { continue }
                throw EngineError(
                    .workspace, "the folder \(folder) could not be removed: \(error.localizedDescription); check its permissions")
            }
        }
    }
}
