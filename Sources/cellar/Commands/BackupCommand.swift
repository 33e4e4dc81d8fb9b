import ArgumentParser
import Basics
import BlobStore
import CellarKit
import Foundation

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the catalog to a new folder, even while a run goes on.",
        discussion: """
            The copy is a catalog of its own, which needs nothing of this one: database, recipe, receipts, the models that lie in the \
            catalog, and every artifact that cannot be dropped. Evictable artifacts are marked as dropped there, and computed again \
            should they be needed. Tomograms, annotations' files and models that lie elsewhere are not copied.
            """)

    @Argument(help: "A new folder.")
    var destination: String

    @OptionGroup var catalogOptions: CatalogOptions

    func run() throws {
        let workspace = try catalogOptions.open()
        let files = FileManager.default
        guard !files.fileExists(atPath: destination) else {
            throw CatalogError(.alreadyExists, "\(destination) exists already; name a new folder for the backup")
        }
        // Nor may it come to lie in anything that the catalog knows.
        let outputs = try OutputFiles(at: destination, knownTo: workspace.directory, areReplaced: false)
        _ = try outputs.file(destination)
        // Everything is made beside the destination and moved there whole.
        let staging = CatalogDirectory(path: destination + ".part-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            for folder in [staging.path, staging.blobs, staging.models] {
                try NewFolder.make(folder)
            }
            try workspace.catalog.backup(to: staging.database)
            let here = workspace.directory
            for item in [(here.recipe, staging.recipe), (here.receipts, staging.receipts), (here.models, staging.models)] {
                try FileCopy(outputs).copy(item.0, to: item.1)
            }
            let copied = try copyArtifacts(from: workspace, to: staging, FileCopy(outputs))
            try files.moveItem(atPath: staging.path, toPath: destination)
            print("Copied the catalog and \(copied) artifacts to \(destination)")
        } catch {
            try? files.removeItem(atPath: staging.path)
            throw error
        }
    }

    private func copyArtifacts(from workspace: Workspace, to copy: CatalogDirectory, _ files: FileCopy) throws -> Int {
        let (from, to) = (try workspace.store(), try BlobStore(directory: copy.blobs))
        let catalog = try Catalog.open(at: copy)
        let artifacts = try catalog.results.artifacts().filter { $0.state == .present }
        for artifact in artifacts where !artifact.evictable {
            let target = to.path(of: artifact.digest)
            try NewFolder.make(URL(fileURLWithPath: target).deletingLastPathComponent().path)
            try files.copy(from.path(of: artifact.digest), to: target)
        }
        try catalog.results.setState(.evicted, of: artifacts.filter(\.evictable).map(\.digest))
        return artifacts.count { !$0.evictable }
    }
}

/// Copies what files hold, and nothing of whose they are: a backup belongs to whoever makes it.
private struct FileCopy {
    private let outputs: OutputFiles

    init(_ outputs: OutputFiles) { self.outputs = outputs }

    /// Copies a file, or a folder with all that is in it; what is not there is passed over.
    ///
    /// - Throws: ``CatalogError`` or ``VolumeError`` where something cannot be read or written.
    func copy(_ source: String, to target: String) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
            guard access(source, F_OK) != 0, errno == ENOENT else {
                throw CatalogError(.storage, "\(source) cannot be looked at, and so not be copied; check its permissions")
            }
            return
        }
        guard isFolder.boolValue else { return try copyFile(source, to: target) }
        try NewFolder.make(target)
        for name in try FileManager.default.contentsOfDirectory(atPath: source).sorted() {
            try copy("\(source)/\(name)", to: "\(target)/\(name)")
        }
    }

    private func copyFile(_ source: String, to target: String) throws {
        let output = try AtomicFile(outputs.file(target))
        try output.write(contentsOf: source)
        try output.commit()
    }
}
