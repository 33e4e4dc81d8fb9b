import ArgumentParser
import BlobStore
import CellarKit
import Foundation

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the catalog to a new folder, even while a run goes on.",
        discussion: """
            The copy is a catalog of its own: database, recipe, receipts, and every artifact that cannot be dropped. Evictable \
            artifacts are marked as dropped there, and computed again should they be needed. Tomograms are not copied.
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
        // Everything is made beside the destination and moved there whole.
        let staging = CatalogDirectory(path: destination + ".part-\(ProcessInfo.processInfo.processIdentifier)")
        do {
            for folder in [staging.path, staging.blobs, staging.models] {
                try NewFolder.make(folder)
            }
            try workspace.catalog.backup(to: staging.database)
            for item in [(workspace.directory.recipe, staging.recipe), (workspace.directory.receipts, staging.receipts)]
            where files.fileExists(atPath: item.0) {
                try files.copyItem(atPath: item.0, toPath: item.1)
            }
            let copied = try copyArtifacts(from: workspace, to: staging)
            try files.moveItem(atPath: staging.path, toPath: destination)
            print("Copied the catalog and \(copied) artifacts to \(destination)")
        } catch {
            try? files.removeItem(atPath: staging.path)
            throw error
        }
    }

    private func copyArtifacts(from workspace: Workspace, to copy: CatalogDirectory) throws -> Int {
        let (from, to) = (try workspace.store(), try BlobStore(directory: copy.blobs))
        let catalog = try Catalog.open(at: copy)
        let artifacts = try catalog.artifacts().filter { $0.state == .present }
        for artifact in artifacts where !artifact.evictable {
            let target = to.path(of: artifact.digest)
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: target).deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: from.path(of: artifact.digest), toPath: target)
        }
        try catalog.setState(.evicted, of: artifacts.filter(\.evictable).map(\.digest))
        return artifacts.count { !$0.evictable }
    }
}
