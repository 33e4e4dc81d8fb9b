import Basics
import Catalog
package import CellarKit
import Foundation
import Volumes

/// Tomograms as OME-Zarr 0.4 (zarr version 2), computed while they are read.
///
/// `DATASET/NAME.zarr` has the voxels of the file in its own type (float16 and float64 as float32), in chunks of 64³ that are not
/// compressed, with the key `LEVEL/z/y/x`; chunks at the far edges are whole, 0 beyond the volume. Lower resolutions are means of 2
/// × 2 × 2 voxels, until one fits a chunk. `labels/` has the segmentation, pseudo-labels (0 where no slab is) and label
/// annotations, as bytes; their lower resolutions are the greatest of 2 × 2 × 2 labels.
///
/// Source: the OME-Zarr specification, version 0.4; the zarr storage specification, version 2.
package final class ServedZarr: Sendable {
    private let project: Project
    private let images: TomogramImages
    private let chunks: ServedChunks

    private static let json = "application/json"
    private static let binary = "application/octet-stream"
    private static let families: [LayerFinder.Family] = [.segmentation, .agreedLabels, .annotation]

    /// - Parameters:
    ///   - images: gives the open files of tomograms and layers.
    ///   - bytes: the most that is kept of chunks. A pass over a volume makes up to 32 MiB of them for each resolution.
    package init(_ project: Project, images: TomogramImages, bytes: Int) {
        (self.project, self.images) = (project, images)
        chunks = ServedChunks(bytes: bytes)
    }

    /// The bytes of chunks that are kept now.
    package var keptBytes: Int { chunks.keptBytes }

    /// A file of a store.
    ///
    /// - Parameter path: its parts: the dataset, the name of the tomogram with `.zarr`, and the key in the store. They name rows of
    ///   the catalog, and never a file on the disk.
    /// - Returns: nil where there is no such file.
    /// - Throws: ``VolumeError`` or ``BlobError`` where voxels cannot be read, ``CatalogError`` where the catalog cannot be read.
    /// - Complexity: see ``ServedChunks``.
    package func file(_ path: [String]) throws -> (bytes: [UInt8], contentType: String)? {
        guard path.count >= 3, let tomogram = try tomogram(dataset: path[0], store: path[1]) else { return nil }
        let key = Array(path.dropFirst(2))
        guard key[0] == "labels" else { return try file(key, of: image(of: tomogram)) }
        if key.count == 2 {
            switch key[1] {
            case ".zgroup": return (Array(#"{"zarr_format": 2}"#.utf8), Self.json)
            case ".zattrs":
                let names = try images.finder(tomogram).layers(of: Self.families).filter { $0.volume != nil }.map(\.layer.id)
                return ([UInt8](try JSONEncoder().encode(["labels": names])), Self.json)
            default: return nil
            }
        }
        guard key.count > 2, let image = try labels(key[1], of: tomogram) else { return nil }
        return try file(Array(key.dropFirst(2)), of: image)
    }

    /// The tomogram that a store shows; nil where there is none.
    private func tomogram(dataset: String, store: String) throws -> OpenTomogram? {
        guard store.hasSuffix(".zarr"), !dataset.isEmpty, !dataset.contains("/"), !store.contains("/") else { return nil }
        do {
            return try images.opened(project.catalog.collection.tomogram(named: "\(dataset)/\(store.dropLast(5))"))
        } catch let error as CatalogError where error.code == .notFound {
            return nil
        }
    }

    private func image(of tomogram: OpenTomogram) throws -> ServedImage {
        ServedImage(
            tomogram.volume, key: tomogram.version, name: tomogram.record.name,
            voxelSize: try project.catalog.collection.effectiveVoxelSize(ofTomogram: tomogram.id), halving: .mean)
    }

    private func labels(_ id: String, of tomogram: OpenTomogram) throws -> ServedImage? {
        do {
            let found = try images.finder(tomogram).layer(id, among: Self.families)
            guard found.layer.kind == .labels, let volume = found.volume else { return nil }
            return ServedImage(
                try images.volume(of: volume), key: volume.key, name: found.layer.label,
                voxelSize: try project.catalog.collection.effectiveVoxelSize(ofTomogram: tomogram.id), halving: .maximum,
                classes: found.layer.values.map { ($0.value, $0.name) })
        } catch let error as CatalogError where error.code == .notFound {
            return nil
        }
    }

    /// A file of one image: metadata, or a chunk.
    private func file(_ key: [String], of image: ServedImage) throws -> (bytes: [UInt8], contentType: String)? {
        guard key.count == 4 else {
            return try image.metadata.file(key.joined(separator: "/"), scalarType: image.scalarType).map { ($0, Self.json) }
        }
        let numbers = key.compactMap(Self.index)
        guard numbers.count == 4 else { return nil }
        let place = ChunkPlace(level: numbers[0], z: numbers[1], y: numbers[2], x: numbers[3])
        return try chunks.chunk(place, of: image).map { ($0, Self.binary) }
    }

    /// A whole number as keys have it: without a sign, and without zeros in front.
    private static func index(_ text: String) -> Int? {
        guard (1...9).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            text == "0" || !text.hasPrefix("0")
        else { return nil }
        return Int(text)
    }
}
