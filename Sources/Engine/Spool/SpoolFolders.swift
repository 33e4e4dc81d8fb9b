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
    var all: [String] {
        let bytes = list.flatMap { try? $0.read(limit: Self.byteLimit) } ?? []
        let listed = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return ([directory.spool] + listed).filter { FilePath.exists($0) }
    }

    /// Adds one to the list, and leaves out those that are gone.
    ///
    /// - Throws: ``EngineError`` where the list cannot be written.
    func add(_ folder: String) throws(EngineError) {
        let known = all
        guard folder != directory.spool, !known.contains(folder) else { return }
        let text = (known.filter { $0 != directory.spool } + [folder]).joined(separator: "\n") + "\n"
        do throws(VolumeError) { try SmallFile("\(directory.path)/spools").replace(Array(text.utf8)) } catch {
            throw EngineError(.spool, "\(error)", cause: error)
        }
    }
}
