import Basics
import BlobStore
import Catalog
import Foundation
import Volumes

extension Project {
    /// Copies the catalog to a new folder, also while a run goes on: database, recipe, receipts, the models that lie in the catalog, and
    /// every artifact that cannot be dropped. Evictable artifacts are marked as dropped in the copy.
    ///
    /// Everything is made beside the destination and moved there whole.
    ///
    /// - Parameters:
    ///   - outputs: the files that may be written at the destination.
    ///   - progress: called after each artifact.
    /// - Returns: the number of artifacts that were copied.
    /// - Throws: `CatalogError` where the destination exists, or something cannot be copied; `VolumeError` where it lies in what a
    ///   catalog knows. Then nothing is left of it.
    /// - Complexity: copies files 4 MiB at a time.
    public func backup(
        to destination: String, writing outputs: OutputFiles, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) throws -> Int {
        let files = FileManager.default
        guard !files.fileExists(atPath: destination) else {
            throw CatalogError(.alreadyExists, "\(destination) exists already; name a new folder for the backup")
        }
        _ = try outputs.file(destination)
        let staging = CatalogDirectory(path: destination + ".part-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            for folder in [staging.path, staging.blobs, staging.models] { try NewFolder.make(folder) }
            try catalog.backup(to: staging.database)
            let copy = FileCopy(outputs)
            for item in [
                (directory.recipe, staging.recipe), (directory.receipts, staging.receipts), (directory.models, staging.models),
            ] {
                try copy.copy(item.0, to: item.1)
            }
            let count = try copyArtifacts(to: staging, copy, progress)
            try files.moveItem(atPath: staging.path, toPath: destination)
            return count
        } catch {
            try? files.removeItem(atPath: staging.path)
            throw error
        }
    }

    private func copyArtifacts(
        to copy: CatalogDirectory, _ files: FileCopy, _ progress: (_ done: Int, _ total: Int) -> Void
    ) throws -> Int {
        let (from, to) = (try store(), try BlobStore(directory: copy.blobs))
        let results = try Catalog.open(at: copy).results
        let artifacts = try results.artifacts().filter { $0.state == .present }
        let kept = artifacts.filter { !$0.evictable }
        for (index, artifact) in kept.enumerated() {
            let target = to.path(of: artifact.digest)
            try NewFolder.make(URL(fileURLWithPath: target).deletingLastPathComponent().path)
            try files.copy(from.path(of: artifact.digest), to: target)
            progress(index + 1, kept.count)
        }
        try results.setState(.evicted, of: artifacts.filter(\.evictable).map(\.digest))
        return kept.count
    }
}

/// Copies the content of files, and nothing of their owners and rights: a backup belongs to whoever makes it.
private struct FileCopy {
    private let outputs: OutputFiles

    init(_ outputs: OutputFiles) { self.outputs = outputs }

    /// Copies a file, or a folder with all that is in it; what is not there is passed over.
    ///
    /// - Throws: `CatalogError` or `VolumeError` where something cannot be read or written.
    func copy(_ source: String, to target: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
            guard access(source, F_OK) != 0, errno == ENOENT else {
                throw CatalogError(.storage, "\(source) cannot be looked at, and so not be copied; check its permissions")
            }
            return
        }
        guard isFolder.boolValue else {
            let output = try AtomicFile(outputs.file(target))
            try output.write(contentsOf: source)
            return try output.commit()
        }
        try NewFolder.make(target)
        for name in try FileManager.default.contentsOfDirectory(atPath: source).sorted() {
            try copy("\(source)/\(name)", to: "\(target)/\(name)")
        }
    }
}
