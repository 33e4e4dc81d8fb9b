import Basics

/// The checked metadata of one array of a zarr store, of version 2 (`.zarray`) or 3 (`zarr.json`): shape, chunks, type and codecs.
///
/// A **chunk** is what is decoded at once. It is a file, or, where the array is sharded, a part of a file, the **shard**.
struct ZarrArray: Sendable {
    /// The number of elements along each axis, in the array's order: two to five axes.
    let shape: [Int]
    /// The number of elements of a chunk along each axis. Chunks at the far edges are stored whole, beyond the shape.
    let chunkShape: [Int]
    let dataType: ZarrDataType
    /// The fill value, as the little-endian bytes of one voxel: for chunks that were never written.
    let fill: [UInt8]
    let chain: ZarrCodecChain
    /// How a file holds several chunks; nil where each chunk is a file.
    let sharding: ZarrSharding?
    /// The names of the axes, where the array itself gives them (version 3).
    let dimensionNames: [String]?
    /// The distance in elements between neighbours along each axis in a decoded chunk.
    let strides: [Int]
    /// The keys of the files.
    let files: ZarrFileGrid

    /// The size limit of a decoded chunk in bytes.
    static let chunkLimit = 512 << 20

    init(
        shape: [Int], chunkShape: [Int], dataType: ZarrDataType, fill: [UInt8], chain: ZarrCodecChain, sharding: ZarrSharding?,
        dimensionNames: [String]?, files: ZarrFileGrid
    ) {
        self.shape = shape
        self.chunkShape = chunkShape
        self.dataType = dataType
        self.fill = fill
        self.chain = chain
        self.sharding = sharding
        self.dimensionNames = dimensionNames
        self.files = files
        strides = chain.strides(chunkShape: chunkShape)
    }

    /// Reads and checks the metadata in a folder of a store: `.zarray` if it is there, else `zarr.json`.
    ///
    /// - Throws: ``VolumeError`` where the metadata contradict themselves, name a codec or type that is not read here or needs
    ///   a library that is not installed, or declare chunks of more than 512 MiB.
    init(key: String, in store: ZarrStore) throws(VolumeError) {
        let (key2, key3) = (ZarrStore.key(".zarray", in: key), ZarrStore.key("zarr.json", in: key))
        if let metadata = try store.document(ZarrMetadata2.self, at: key2) {
            self = try metadata.array(key: key, path: store.path(of: key2))
        } else if let metadata = try store.document(ZarrMetadata3.self, at: key3) {
            self = try metadata.array(key: key, path: store.path(of: key3))
        } else {
            throw VolumeError(
                .unreadable,
                "is no array, though the image names it: a program was stopped before it wrote it, or it was not copied; "
                    + "write or copy the whole image again",
                path: store.path(of: key))
        }
    }

    /// The decoded elements of a chunk as they are stored; nil if it was never written.
    ///
    /// - Parameters:
    ///   - place: its index in the grid of chunks along each axis.
    ///   - shards: the shards that are kept open, of this array.
    /// - Throws: ``VolumeError`` where it cannot be read or is damaged.
    func decodedChunk(at place: [Int], in store: ZarrStore, shards: ZarrShards) throws(VolumeError) -> [UInt8]? {
        guard let sharding else {
            let key = files.key(of: place)
            guard let encoded = try store.contents(of: key, limit: chain.encodedLimit) else { return nil }
            return try chain.decode(encoded, path: store.path(of: key))
        }
        let key = files.key(of: zip(place, sharding.chunksPerShard).map { $0 / $1 })
        guard let shard = try shards.shard(at: key, in: store, sharding),
            let encoded = try shard.bytes(ofChunk: sharding.index(of: place), limit: chain.encodedLimit)
        else { return nil }
        return try chain.decode(encoded, path: store.path(of: key))
    }
}

extension ZarrArray {
    /// What tells that the file of a chunk is still the same; nil if the chunk was never written.
    ///
    /// - Throws: ``VolumeError`` where the system refuses, or a shard is damaged.
    /// - Complexity: one call of stat(2), or none for a shard that is kept open.
    func version(ofChunk place: [Int], in store: ZarrStore, shards: ZarrShards) throws(VolumeError) -> ZarrChunkCache.Version? {
        guard let sharding else { return try store.status(of: files.key(of: place)).map { ZarrChunkCache.Version($0) } }
        let key = files.key(of: zip(place, sharding.chunksPerShard).map { $0 / $1 })
        return try shards.shard(at: key, in: store, sharding)?.version
    }

    /// What tells the array from all others of this machine, and from one that was written anew in the same place.
    ///
    /// - Throws: ``VolumeError``, `.unreadable`, where the file of its metadata is gone.
    func identity(in store: ZarrStore) throws(VolumeError) -> ZarrChunkCaches.Key {
        for name in [".zarray", "zarr.json"] {
            guard let status = try store.status(of: ZarrStore.key(name, in: files.folder)) else { continue }
            return ZarrChunkCaches.Key(
                folder: ZarrStore.key(files.folder, in: store.root), metadata: ZarrChunkCache.Version(status))
        }
        throw .malformedMetadata("is missing", path: store.path(of: files.folder))
    }

    /// Fills memory for whole voxels with the fill value.
    func fill(_ voxels: UnsafeMutableRawBufferPointer) {
        if fill.allSatisfy({ $0 == fill[0] }) {
            voxels.initializeMemory(as: UInt8.self, repeating: fill[0])
        } else {
            for start in stride(from: 0, to: voxels.count, by: fill.count) {
                for (byte, value) in fill.enumerated() { voxels[start + byte] = value }
            }
        }
    }
}

// What both versions check.
extension ZarrArray {
    /// Checks the number of axes, and that no number is smaller than one or beyond 2³¹ − 1.
    static func check(shape: [Int], chunkShape: [Int], path: String) throws(VolumeError) {
        guard (2...5).contains(shape.count) else {
            throw .zarrFeatureNotSupported(
                "has \(shape.count) axes", advice: "write an array of two or three, z, y, x", path: path)
        }
        let axes = 1...Int(Int32.max)
        guard chunkShape.count == shape.count, shape.allSatisfy(axes.contains), chunkShape.allSatisfy(axes.contains) else {
            throw .malformedMetadata("cuts an array of shape \(shape) into chunks of shape \(chunkShape)", path: path)
        }
    }

    /// The number of bytes of a decoded chunk, after ``check(shape:chunkShape:path:)``.
    ///
    /// - Throws: ``VolumeError``, `.tooLarge`, above ``chunkLimit``.
    static func byteCount(ofChunk chunkShape: [Int], elementSize: Int, path: String) throws(VolumeError) -> Int {
        var bytes = elementSize
        for count in chunkShape {
            // Cannot overflow: `bytes` is at most 2²⁹ here, `count` less than 2³¹.
            bytes *= count
            guard bytes <= chunkLimit else {
                throw VolumeError(
                    .tooLarge, "declares chunks of more than \(chunkLimit >> 20) MiB; rewrite the array with smaller chunks",
                    path: path)
            }
        }
        return bytes
    }
}

/// The files of an array, one for each place in a grid, and their keys.
struct ZarrFileGrid: Hashable, Sendable {
    /// The number of files along each axis.
    let shape: [Int]
    /// The key of the array's folder.
    let folder: String
    /// `c` in the default encoding of version 3: the first part of each key.
    let prefix: String?
    /// `.` or `/`.
    let separator: String

    /// - Parameters:
    ///   - shape: the array's.
    ///   - fileShape: the number of elements of a file along each axis.
    init(shape: [Int], fileShape: [Int], folder: String, prefix: String?, separator: String) {
        self.shape = zip(shape, fileShape).map { ($0 + $1 - 1) / $1 }
        self.folder = folder
        self.prefix = prefix
        self.separator = separator
    }

    /// The key of a file, given its index along each axis.
    func key(of place: [Int]) -> String {
        ZarrStore.key(([prefix].compactMap(\.self) + place.map(String.init)).joined(separator: separator), in: folder)
    }

    /// How many files are there, and how many there are when all are written.
    ///
    /// - Throws: ``VolumeError`` where a folder cannot be listed.
    /// - Complexity: lists the array's folder, and the folders of all files where the keys have slashes.
    func stored(in store: ZarrStore) throws(VolumeError) -> StoredChunks {
        let total = shape.reduce(1, *)
        guard separator == "/" else {
            var stored = 0
            for name in try store.names(in: folder) where isKey(name) { stored += 1 }
            return StoredChunks(stored: stored, total: total)
        }
        var folders = [prefix.map { ZarrStore.key($0, in: folder) } ?? folder]
        for (axis, count) in shape.enumerated() {
            var found: [String] = []
            var stored = 0
            for folder in folders {
                for name in try store.names(in: folder) where Self.isIndex(name[...], below: count) {
                    // The last axis has as many names as there are chunks: they are counted, not kept.
                    stored += 1
                    if axis < shape.count - 1 { found.append(ZarrStore.key(name, in: folder)) }
                }
            }
            if axis == shape.count - 1 { return StoredChunks(stored: stored, total: total) }
            folders = found
        }
        return StoredChunks(stored: 0, total: total)
    }

    /// Whether a name in the array's folder is the key of a file of the grid, where keys have no slashes.
    private func isKey(_ name: String) -> Bool {
        var parts = name.split(separator: Character(separator), omittingEmptySubsequences: false)
        if let prefix {
            guard parts.first == prefix[...] else { return false }
            parts.removeFirst()
        }
        return parts.count == shape.count && zip(parts, shape).allSatisfy { Self.isIndex($0, below: $1) }
    }

    private static func isIndex(_ text: Substring, below count: Int) -> Bool {
        guard let index = Int(text), (0..<count).contains(index) else { return false }
        return String(index) == text
    }
}
