internal import Basics
internal import Catalog
internal import Foundation
internal import Volumes

/// The folders in which runs of a catalog have, or had, their spool: that of the catalog, and those that profiles of clusters named.
///
/// A list in the catalog's folder remembers the latter, so that results which wait there are not forgotten where a profile changes.
struct SpoolFolders {
    private static let byteLimit = 1 << 20

    private let directory: CatalogDirectory
    private var list: SmallFile? { try? SmallFile("\(directory.path)/spools") }

    init(_ directory: CatalogDirectory) { self.directory = directory }

    /// Those that are there.
    var all: [String] { ([directory.spool] + listed).filter { FilePath.exists($0) } }

    private var listed: [String] {
        let bytes = list.flatMap { try? $0.read(limit: Self.byteLimit) } ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Removes what no run waits for where nothing is stale: what a killed run was just making or removing, and bundles of which all that is
    /// wanted is in the catalog, or that nobody computes. Jobs that a cluster still computes are left alone. The caller holds the lock of the
    /// catalog.
    func clear() {
        removeHalves()
        removeDamaged()
        for bundle in SpooledBundle.all(of: directory) {
            // Jobs are noted before they are submitted: where no note can be read, the run was killed before, or nobody finds them again.
            let isComputed = !bundle.scheduler.isEmpty && bundle.scheduler != ProcessScheduler.schedulerName
            if !isComputed || bundle.tasks.allSatisfy({ $0.ended >= $0.items }) { BundleFolder(path: bundle.path).remove() }
        }
    }

    /// Removes bundles that no worker can read. A spool elsewhere may have such of other catalogs.
    private func removeDamaged() {
        try? FilePath.forEachEntry(ofFolder: directory.spool) { name, _ in
            let folder = BundleFolder(path: "\(directory.spool)/\(name)")
            guard name.hasPrefix("run-"), (try? SealedFile.read(BundleHeader.self, at: folder.header)) == nil else { return }
            folder.remove()
        }
    }

    /// Removes what a killed run was just making or removing. A spool elsewhere may have such of other catalogs.
    func removeHalves() {
        try? FilePath.forEachEntry(ofFolder: directory.spool) { name, _ in
            if name.hasPrefix(".run-") || name.hasPrefix(BundleFolder.grave) {
                try? FileManager.default.removeItem(atPath: "\(directory.spool)/\(name)")
            }
        }
    }

    /// Adds one to the list. One that is not there now stays in it: its disk may only be away.
    ///
    /// - Throws: ``EngineError`` where the list cannot be written.
    func add(_ folder: String) throws(EngineError) {
        let known = listed
        guard folder != directory.spool, !known.contains(folder) else { return }
        let text = (known + [folder]).joined(separator: "\n") + "\n"
        do throws(VolumeError) { try SmallFile("\(directory.path)/spools").replace(Array(text.utf8)) } catch {
            throw EngineError(.spool, "\(error)", cause: error)
        }
    }
}
