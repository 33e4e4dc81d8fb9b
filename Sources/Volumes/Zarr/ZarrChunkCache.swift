import Basics
import Synchronization

/// The decoded chunks of an array that are kept, so that one pass over its slices or blocks decodes each chunk once.
///
/// A slice touches every chunk of one **layer** (the chunks at one depth): 1 GiB for the stores of the CryoET Data Portal, whose
/// chunks have 64 MiB. So chunks are kept in memory up to a limit, and beyond it in a file without a name on the disk for temporary
/// files, from which the rows that are needed are read. Where there is no room in either, chunks of other layers give way, the
/// longest unused first. If one layer alone takes all room, its further chunks are not kept: to drop the oldest ones would drop
/// every chunk just before it is used again.
///
/// All volumes of one array in a process share what is kept, since the slices of a slab are read by one item each.
final class ZarrChunkCache: Sendable {
    /// The limits of what is kept of one array, in bytes.
    struct Limits {
        /// In memory.
        var memory = 128 << 20
        /// In the file for temporary files.
        var scratch = 4 << 30
    }

    /// The place of a chunk in the grid of chunks.
    struct Place: Hashable, Sendable {
        let z: Int
        let y: Int
        let x: Int
    }

    /// What tells that the file of a chunk is still the one that was decoded.
    struct Version: Hashable, Sendable {
        private let file: FileStatus.Identity
        private let byteCount, seconds, nanoseconds: Int

        init(_ status: FileStatus) {
            (file, byteCount) = (status.identity, status.byteCount)
            (seconds, nanoseconds) = status.modified
        }
    }

    private struct Entry {
        let content: KeptChunk
        let version: Version
        /// Counts up with every use.
        var lastUse: Int
    }

    private struct State {
        var entries: [Place: Entry] = [:]
        var bytesInMemory = 0
        var uses = 0
        var scratch: ScratchFile?
        var hasTriedScratch = false
        var decodedChunks = 0

        mutating func insert(_ content: KeptChunk, at place: Place, version: Version) {
            remove(place)
            uses += 1
            entries[place] = Entry(content: content, version: version, lastUse: uses)
            if case .memory(let chunk) = content { bytesInMemory += chunk.bytes.count }
        }

        mutating func remove(_ place: Place) {
            guard let entry = entries.removeValue(forKey: place) else { return }
            if case .memory(let chunk) = entry.content { bytesInMemory -= chunk.bytes.count }
        }

        /// The chunk of another layer that was not used for the longest time; nil where there is none.
        ///
        /// - Complexity: a pass over the entries.
        func longestUnused(besideLayer layer: Int, inMemory: Bool) -> Place? {
            entries.filter { $0.key.z != layer && $0.value.content.isInMemory == inMemory }.min {
                $0.value.lastUse < $1.value.lastUse
            }?
            .key
        }

        /// Drops from the file the chunk of another layer that was not used for the longest time; false where none was used last before
        /// the given use.
        mutating func removeLongestUnused(besideLayer layer: Int, before use: Int) -> Bool {
            guard let place = longestUnused(besideLayer: layer, inMemory: false), let entry = entries[place], entry.lastUse < use
            else { return false }
            remove(place)
            return true
        }
    }

    private let limits: Limits
    /// The size limit of a decoded chunk in bytes.
    private let chunkBytes: Int
    private let state = Mutex(State())
    private let gates: [Gate]

    /// Lets one thread at a time decode the chunks that it stands for, so that two do not decode the same one.
    private final class Gate: Sendable { let mutex = Mutex(()) }

    /// - Parameter chunkBytes: of a decoded chunk that lies inside the volume as a whole.
    init(chunkBytes: Int, limits: Limits = Limits()) {
        (self.chunkBytes, self.limits) = (chunkBytes, limits)
        gates = (0..<16).map { _ in Gate() }
    }

    /// How many chunks were decoded, for measurements.
    var decodedChunkCount: Int { state.withLock { $0.decodedChunks } }

    /// The chunk at a place: what is kept, if its file has not changed, else what the closure decodes.
    ///
    /// - Parameters:
    ///   - isKept: whether a chunk that is decoded now is kept.
    ///   - decode: the decoded chunk; nil where it was never written.
    /// - Complexity: one call of the closure for each chunk at a time, however many threads ask for it.
    func chunk(
        at place: Place, version: Version, isKept: Bool = true, decode: () throws(VolumeError) -> ZarrChunk?
    ) throws(VolumeError) -> KeptChunk? {
        if let chunk = kept(at: place, version: version) { return chunk }
        let gate = gates[Int(UInt(bitPattern: place.hashValue) % UInt(gates.count))]
        return try gate.mutex.withLock { (_: inout Void) throws(VolumeError) -> KeptChunk? in
            if let chunk = kept(at: place, version: version) { return chunk }
            guard let chunk = try decode() else { return nil }
            return keep(chunk, at: place, version: version, isKept: isKept)
        }
    }

    private func kept(at place: Place, version: Version) -> KeptChunk? {
        state.withLock { state -> KeptChunk? in
            guard let entry = state.entries[place] else { return nil }
            guard entry.version == version else {
                state.remove(place)
                return nil
            }
            state.uses += 1
            state.entries[place]?.lastUse = state.uses
            return entry.content
        }
    }

    /// Keeps a chunk where there is room, and returns it as it is kept.
    private func keep(_ chunk: ZarrChunk, at place: Place, version: Version, isKept: Bool) -> KeptChunk {
        let content = KeptChunk.memory(chunk)
        let needsScratch = state.withLock { state in
            state.decodedChunks += 1
            guard isKept else { return false }
            let isSmall = chunk.bytes.count <= limits.memory
            // Chunks of other layers leave the memory for the file, and are read from there.
            while isSmall, state.bytesInMemory + chunk.bytes.count > limits.memory,
                let other = state.longestUnused(besideLayer: place.z, inMemory: true)
            {
                moveToScratch(other, besideLayer: place.z, &state)
            }
            guard isSmall, state.bytesInMemory + chunk.bytes.count <= limits.memory else { return true }
            state.insert(content, at: place, version: version)
            return false
        }
        // It is written without the lock: others may read meanwhile.
        guard needsScratch, let scratch = state.withLock({ scratch(&$0) }),
            let block = Self.stored(
                chunk, in: scratch, makingRoom: { state.withLock { $0.removeLongestUnused(besideLayer: place.z, before: .max) } })
        else { return content }
        let moved = KeptChunk.scratch(shape: chunk.shape, block)
        state.withLock { $0.insert(moved, at: place, version: version) }
        // The caller has the bytes in memory already.
        return content
    }

    /// Moves a chunk from memory to the file, where chunks of other layers than the given one that were not used since give way; drops it
    /// where there is no room.
    private func moveToScratch(_ place: Place, besideLayer layer: Int, _ state: inout State) {
        guard let entry = state.entries[place], case .memory(let chunk) = entry.content else { return }
        state.remove(place)
        guard let scratch = scratch(&state),
            let block = Self.stored(
                chunk, in: scratch, makingRoom: { state.removeLongestUnused(besideLayer: layer, before: entry.lastUse) })
        else { return }
        state.entries[place] = Entry(
            content: .scratch(shape: chunk.shape, block), version: entry.version, lastUse: entry.lastUse)
    }

    /// Writes a chunk to the file; nil where no more room can be made.
    private static func stored(_ chunk: ZarrChunk, in scratch: ScratchFile, makingRoom: () -> Bool) -> ScratchFile.Block? {
        while true {
            if let block = chunk.bytes.withUnsafeBytes({ scratch.store($0) }) { return block }
            guard makingRoom() else { return nil }
        }
    }

    private func scratch(_ state: inout State) -> ScratchFile? {
        if !state.hasTriedScratch {
            state.hasTriedScratch = true
            state.scratch = ScratchFile(blockLimit: chunkBytes, byteLimit: limits.scratch)
        }
        return state.scratch
    }
}

/// A decoded chunk in memory, or in the file for temporary files: `[z][y][x]`, little-endian.
enum KeptChunk: Sendable {
    case memory(ZarrChunk)
    case scratch(shape: VolumeShape, ScratchFile.Block)

    var isInMemory: Bool { if case .memory = self { true } else { false } }

    var shape: VolumeShape {
        switch self {
        case .memory(let chunk): chunk.shape
        case .scratch(let shape, _): shape
        }
    }

    /// Calls the closure with the bytes of some rows of one slice of the chunk, as wide as the chunk; false where the disk fails.
    ///
    /// - Complexity: no copy from memory, one read from the file.
    func withRows(
        _ rows: Range<Int>, ofSlice z: Int, voxelSize size: Int, _ body: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        let offset = (z * shape.y + rows.lowerBound) * shape.x * size
        let count = rows.count * shape.x * size
        switch self {
        case .memory(let chunk):
            chunk.bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count])) }
            return true
        case .scratch(_, let block):
            return withUnsafeTemporaryAllocation(byteCount: count, alignment: 16) { buffer in
                guard block.read(at: offset, into: buffer) else { return false }
                body(UnsafeRawBufferPointer(buffer))
                return true
            }
        }
    }
}

/// The caches of the arrays that this process read last.
enum ZarrChunkCaches {
    /// The array, by its folder and the file of its metadata.
    struct Key: Hashable, Sendable {
        let folder: String
        let metadata: ZarrChunkCache.Version
    }

    /// The most arrays of which chunks are kept at one time.
    private static let limit = 4
    private static let caches = Mutex<[(key: Key, cache: ZarrChunkCache)]>([])

    /// The cache of an array; the one that was used longest ago is dropped when there are too many.
    static func cache(for key: Key, chunkBytes: Int) -> ZarrChunkCache {
        caches.withLock { caches in
            let cache =
                caches.firstIndex { $0.key == key }.map { caches.remove(at: $0).cache } ?? ZarrChunkCache(chunkBytes: chunkBytes)
            caches.append((key, cache))
            if caches.count > limit { caches.removeFirst() }
            return cache
        }
    }
}
