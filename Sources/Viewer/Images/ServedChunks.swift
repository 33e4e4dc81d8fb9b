import Basics
import Synchronization
import Volumes

/// The chunks of served images: made when they are asked for, and kept within a bound.
///
/// - Chunks of the two highest resolutions are read alone, in some milliseconds.
/// - Chunks of lower resolutions, and all of a volume that can be read only in whole slices, come from a pass over the slices that
///   they cover (``ChunkPass``), one pass at a time, whose other chunks are kept as well. The first chunk of the lowest resolution
///   takes one pass over the volume; then those of the resolutions between are there.
final class ServedChunks: Sendable {
    private struct Key: Hashable {
        let image: String
        let place: ChunkPlace
    }

    /// Empty for a chunk of zeros.
    private let kept: BoundedCache<Key, [UInt8]>
    /// Held during a pass; counts them.
    private let passes = Mutex(0)

    /// - Parameter bytes: the most that is kept.
    init(bytes: Int) { kept = BoundedCache(limit: bytes) }

    var keptBytes: Int { kept.cost }

    /// A chunk `[z][y][x]` of 64³ voxels; nil where it lies outside of the image.
    ///
    /// - Throws: ``VolumeError`` where the volume cannot be read.
    func chunk(_ place: ChunkPlace, of image: ServedImage) throws -> [UInt8]? {
        guard let box = image.box(place) else { return nil }
        if let bytes = kept(place, of: image) { return bytes }
        if !image.hasWholeSlices, place.level < 2 {
            let bytes = try place.level == 0 ? image.chunk(box) : image.halvedChunk(box)
            keep(bytes, place, of: image)
            return bytes
        }
        return try passes.withLock { count -> [UInt8]? in
            // Another pass may have made it meanwhile.
            if let bytes = kept(place, of: image) { return bytes }
            count += 1
            var wanted: [UInt8]?
            // The second resolution of volumes in whole slices, too, since there it cannot be read alone.
            var pass = ChunkPass(image, for: place, highest: image.hasWholeSlices ? 1 : 2) { made, bytes in
                if made == place { wanted = bytes }
                self.keep(bytes, made, of: image)
            }
            try pass.run()
            return wanted
        }
    }

    private func kept(_ place: ChunkPlace, of image: ServedImage) -> [UInt8]? {
        kept[Key(image: image.key, place: place)].map { $0.isEmpty ? [UInt8](repeating: 0, count: image.bytesPerChunk) : $0 }
    }

    private func keep(_ bytes: [UInt8], _ place: ChunkPlace, of image: ServedImage) {
        let bytes = Self.isZero(bytes) ? [] : bytes
        kept.insert(bytes, for: Key(image: image.key, place: place), cost: bytes.count + 256)
    }

    private static func isZero(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { bytes in
            let words = bytes.bindMemory(to: UInt64.self)
            return words.allSatisfy { $0 == 0 } && bytes[(words.count * 8)...].allSatisfy { $0 == 0 }
        }
    }
}
