import Basics
import Foundation
import Volumes

/// The folder of a catalog's artifacts, where it is not in the catalog's own: on fast scratch, for example.
///
/// Two small files name each other: `blobs.json` in the catalog's folder says where the artifacts are, and `cellar-blobs.json` there whose
/// they are. So a disk that is not mounted is not taken for an empty store, and a copied catalog does not clean up what its original needs.
package struct BlobsFolder: Codable, Hashable, Sendable {
    /// The absolute path: of the folder in the catalog's file, of the catalog in the folder's file.
    private let path: String
    /// Drawn once, and the same in both files.
    private let catalog: String

    private static let mark = "cellar-blobs.json"

    private static func record(of directory: CatalogDirectory) -> String { "\(directory.path)/blobs.json" }

    /// The folder that a catalog's file names, whether or not it is there; nil where the artifacts lie in the catalog's own folder, or the
    /// file is not understood: ``checked(for:)`` says that.
    static func recorded(by directory: CatalogDirectory) -> String? { read(record(of: directory))?.path }

    /// Makes the folder for a new catalog, whose own folder need not be there yet; ``record(in:)`` is the other half.
    ///
    /// - Throws: ``CatalogError`` where it cannot be made, or something is in it.
    static func make(at folder: String, for directory: CatalogDirectory) throws(CatalogError) -> BlobsFolder {
        let folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        do {
            try NewFolder.make(folder)
            guard try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy({ $0.hasPrefix(".nfs") }) else {
                throw CatalogError(.alreadyExists, "\(folder) is not empty; name a new folder for the artifacts")
            }
            let id = String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
            try write(BlobsFolder(path: directory.path, catalog: id), to: "\(folder)/\(mark)")
            return BlobsFolder(path: folder, catalog: id)
        } catch let error as CatalogError {
            throw error
        } catch {
            throw CatalogError(
                .storage, "the folder \(folder) for the artifacts could not be made: \(error); check disk and permissions")
        }
    }

    /// Says in a catalog's folder where its artifacts are.
    func record(in directory: CatalogDirectory) throws { try Self.write(self, to: Self.record(of: directory)) }

    /// Takes back ``make(at:for:)`` for a catalog that could not be made.
    package static func unmake(at folder: String) {
        unlink("\(folder)/\(mark)")
        rmdir("\(folder)/staging")
        rmdir(folder)
    }

    /// The folder of a catalog's artifacts.
    ///
    /// - Throws: ``CatalogError`` where it is gone, or is that of another catalog.
    static func checked(for directory: CatalogDirectory) throws(CatalogError) -> String {
        let record = record(of: directory)
        guard FilePath.exists(record) else { return "\(directory.path)/blobs" }
        guard let own = read(record) else {
            throw CatalogError(
                .blobsFolder, "\(record), which says where the artifacts are, is not understood; restore it from a copy")
        }
        let markPath = "\(own.path)/\(mark)"
        guard let other = read(markPath) else {
            let isThere = FileStatus.isFolder(own.path)
            throw CatalogError(
                .blobsFolder,
                isThere
                    ? "\(own.path), where the artifacts of \(directory.path) should be, has no \(mark) that says so; mount the right disk"
                    : "the folder \(own.path) with the artifacts of \(directory.path) is gone; mount its disk, or move it back")
        }
        guard other.catalog == own.catalog else {
            throw CatalogError(
                .blobsFolder,
                "\(own.path), where the artifacts of \(directory.path) should be, belongs to the catalog \(other.path); "
                    + "mount the right disk")
        }
        let original = CatalogDirectory(path: other.path)
        if original != directory, original.exists, read(Self.record(of: original))?.catalog == own.catalog,
            let one = try? FileStatus(of: original.path).identity, let two = try? FileStatus(of: directory.path).identity,
            one != two
        {
            throw CatalogError(
                .blobsFolder,
                "\(directory.path) is a copy of \(other.path), to which the artifacts in \(own.path) belong; `cellar backup` makes copies "
                    + "that have their own")
        }
        return own.path
    }

    private static func read(_ path: String) -> BlobsFolder? {
        FileManager.default.contents(atPath: path).flatMap { try? JSONDecoder().decode(BlobsFolder.self, from: $0) }
    }

    private static func write(_ value: BlobsFolder, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let file = try AtomicFile(OutputFile(path, replacing: true, protecting: .none))
        try file.write(Array(encoder.encode(value) + Data("\n".utf8)).span.bytes)
        try file.commit()
    }
}

extension CatalogDirectory {
    /// The folder of the artifacts, whether or not it is there.
    public var blobs: String { BlobsFolder.recorded(by: self) ?? "\(path)/blobs" }

    /// The folder of the artifacts, which is there if the catalog has one elsewhere.
    ///
    /// - Throws: ``CatalogError`` where it is gone, or is that of another catalog.
    package func checkedBlobs() throws(CatalogError) -> String { try BlobsFolder.checked(for: self) }
}
