import Basics
import Synchronization

/// How one file, a shard, holds many chunks: an index at its begin or end says where each lies.
///
/// The index has two little- or big-endian 64-bit numbers for each chunk, its offset and its size, and then perhaps a checksum.
/// Both numbers are 2⁶⁴ − 1 for a chunk that was never written.
///
/// Source: the zarr specification, version 3, codec `sharding_indexed` 1.0.
struct ZarrSharding: Sendable {
    /// The shape of a chunk, in the order of the array's axes.
    let chunkShape: [Int]
    /// The number of chunks of a shard along each axis of the array.
    let chunksPerShard: [Int]
    /// The axes of the array in the order in which the index lists the chunks: the last varies fastest.
    private let axes: [Int]
    fileprivate let isIndexAtEnd: Bool
    fileprivate let isIndexBigEndian: Bool
    /// The stages of the index: none, or a checksum.
    fileprivate let indexStages: [ZarrByteCodec]
    /// The number of chunks of a shard.
    fileprivate let chunkCount: Int
    /// The size limit of an index in bytes.
    private static let indexLimit = 64 << 20

    /// - Parameters:
    ///   - codec: the codec `sharding_indexed`.
    ///   - axes: the axes of the array in the order in which a shard is stored.
    ///   - shardShape: the shape of a shard, in the order of the array's axes.
    ///   - path: the file of the metadata, for messages.
    /// - Throws: ``VolumeError`` where chunks do not fill a shard, the index is larger than 64 MiB, or has codecs that are not read.
    init(_ codec: ZarrCodecConfiguration, axes: [Int], shardShape: [Int], path: String) throws(VolumeError) {
        let stored = codec.chunkShape ?? []
        guard stored.count == axes.count, stored.allSatisfy({ (1...Int(Int32.max)).contains($0) }) else {
            throw .malformedMetadata("has shards of chunks of shape \(stored)", path: path)
        }
        var chunkShape = shardShape
        for (axis, count) in zip(axes, stored) { chunkShape[axis] = count }
        guard zip(shardShape, chunkShape).allSatisfy({ $0 % $1 == 0 }) else {
            throw .malformedMetadata(
                "has shards of shape \(shardShape), which chunks of shape \(chunkShape) do not fill", path: path)
        }
        let chunksPerShard = zip(shardShape, chunkShape).map { $0 / $1 }
        var count = 1
        for number in chunksPerShard {
            // Cannot overflow: the limit is less than 2³², and each number less than 2³¹.
            count *= number
            guard count <= Self.indexLimit / 16 else {
                throw VolumeError(
                    .tooLarge,
                    "declares shards of more than \(Self.indexLimit / 16) chunks; rewrite the array with larger chunks",
                    path: path)
            }
        }
        guard let bytes = codec.indexCodecs?.first, bytes.name == "bytes",
            ["little", "big"].contains(bytes.endian ?? "little")
        else {
            throw .codecNotSupported(
                "the index of shards by \(codec.indexCodecs?.map(\.description).joined(separator: ", ") ?? "nothing")", path: path
            )
        }
        let stages = try ZarrByteCodec.stages(Array(codec.indexCodecs?.dropFirst() ?? []), path: path)
        for stage in stages {
            guard case .checksum = stage, stages.count == 1 else {
                throw .codecNotSupported("the index of shards by \(stages)", path: path)
            }
        }
        switch codec.indexLocation ?? "end" {
        case "start": isIndexAtEnd = false
        case "end": isIndexAtEnd = true
        case let place: throw .malformedMetadata("has the index_location \"\(place)\" instead of start or end", path: path)
        }
        self.chunkShape = chunkShape
        self.chunksPerShard = chunksPerShard
        self.axes = axes
        isIndexBigEndian = bytes.endian == "big"
        indexStages = stages
        chunkCount = count
    }

    /// The number of a chunk in the index of its shard, given its place in the grid of all chunks.
    func index(of place: [Int]) -> Int {
        axes.reduce(0) { $0 * chunksPerShard[$1] + place[$1] % chunksPerShard[$1] }
    }
}

/// An open shard and its index.
final class ZarrShard: Sendable {
    private let file: FileSource
    /// Offset and size of each chunk, as the file has them.
    private let index: [UInt64]
    private let isBigEndian: Bool

    /// What tells the file from one that takes its place later.
    let version: ZarrChunkCache.Version

    /// The number of bytes of the index in memory.
    var indexByteCount: Int { 8 * index.count }

    /// Reads the index.
    ///
    /// - Throws: ``VolumeError``, `.truncated` or `.malformed`, where the file is too short for it, or its checksum is wrong.
    init(_ file: FileSource, _ sharding: ZarrSharding) throws(VolumeError) {
        let chain = try ZarrCodecChain(
            axes: [], stages: sharding.indexStages, count: 16 * sharding.chunkCount, path: file.path)
        let count = chain.encodedLimit
        guard count <= file.size else {
            throw VolumeError(
                .truncated, "has \(file.size) bytes, too few for the index of its \(sharding.chunkCount) chunks; copy it again",
                path: file.path)
        }
        let encoded = try file.bytes(at: sharding.isIndexAtEnd ? file.size - count : 0, count: count)
        let bytes = try chain.decode(encoded, path: file.path)
        index = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self) }
        }
        isBigEndian = sharding.isIndexBigEndian
        do throws(SystemError) {
            version = ZarrChunkCache.Version(try FileStatus(ofDescriptor: file.descriptor))
        } catch {
            throw .cannotOpen(file.path, error)
        }
        self.file = file
    }

    /// The encoded bytes of a chunk; nil if it was never written.
    ///
    /// - Throws: ``VolumeError``: `.malformed` where the index names bytes that the file does not have; `.tooLarge` where it has
    ///   more than `limit`; `.unreadable` where the file cannot be read.
    func bytes(ofChunk number: Int, limit: Int) throws(VolumeError) -> [UInt8]? {
        let (offset, size) = (value(2 * number), value(2 * number + 1))
        if offset == .max, size == .max { return nil }
        guard offset <= UInt64(file.size), size <= UInt64(file.size) - offset else {
            throw VolumeError(
                .malformed, "names the bytes of chunk \(number) beyond its end: the shard is damaged, fetch it again",
                path: file.path)
        }
        guard size <= UInt64(limit) else {
            throw VolumeError(
                .tooLarge, "has \(size) bytes in chunk \(number) where at most \(limit) are expected; check the metadata",
                path: file.path)
        }
        let bytes = try file.bytes(at: Int(offset), count: Int(size))
        guard bytes.count == Int(size) else {
            throw VolumeError(.unreadable, "became shorter while it was read; try again", path: file.path)
        }
        return bytes
    }

    private func value(_ place: Int) -> UInt64 {
        isBigEndian ? UInt64(bigEndian: index[place]) : UInt64(littleEndian: index[place])
    }
}

/// The shards of an array that are kept open with their indexes, so that each index is read once: at most 16, and 128 MiB.
///
/// An open file stays what it was when its index was read, even if another program replaces the shard meanwhile.
final class ZarrShards: Sendable {
    private static let countLimit = 16
    private static let byteLimit = 128 << 20

    private let kept = Mutex<[(key: String, shard: ZarrShard)]>([])

    /// The shard with a key; nil if there is no such file.
    ///
    /// - Throws: ``VolumeError`` where it cannot be opened, or its index is damaged.
    func shard(at key: String, in store: ZarrStore, _ sharding: ZarrSharding) throws(VolumeError) -> ZarrShard? {
        if let shard = kept.withLock({ kept in kept.first { $0.key == key }?.shard }) { return shard }
        guard let file = try store.file(at: key) else { return nil }
        let shard = try ZarrShard(file, sharding)
        kept.withLock { kept in
            guard !kept.contains(where: { $0.key == key }) else { return }
            kept.append((key, shard))
            // Boxes are read in the order of the chunks: the shard that was opened first is the one that is done with.
            while kept.count > Self.countLimit
                || (kept.count > 1 && kept.reduce(0) { $0 + $1.shard.indexByteCount } > Self.byteLimit)
            {
                kept.removeFirst()
            }
        }
        return shard
    }
}
