import Synchronization

/// The chunks of a volume that were decoded last, so that reading slice after slice decodes each chunk once.
///
/// What a read of slices wants next is the rest of the same **layer**: the chunks at one depth. So a chunk of another
/// layer gives way first, and once one layer alone fills the memory, further chunks of it are not kept: the usual "least recently
/// used" rule would then throw away every chunk just before it is wanted again.
final class ZarrChunkCache: Sendable {
    /// The most bytes that are kept.
    let limit: Int
    private let state = Mutex(State())

    private struct State {
        var chunks: [Place: ZarrChunk] = [:]
        var byteCount = 0
    }

    /// The place of a chunk in the grid of chunks.
    struct Place: Hashable, Sendable {
        let z: Int
        let y: Int
        let x: Int
    }

    init(limit: Int) { self.limit = limit }

    func chunk(at place: Place) -> ZarrChunk? { state.withLock { $0.chunks[place] } }

    func keep(_ chunk: ZarrChunk, at place: Place) {
        guard chunk.bytes.count <= limit else { return }
        state.withLock { state in
            guard state.chunks[place] == nil else { return }
            if state.byteCount + chunk.bytes.count > limit {
                state.chunks = state.chunks.filter { $0.key.z == place.z }
                state.byteCount = state.chunks.values.reduce(0) { $0 + $1.bytes.count }
            }
            guard state.byteCount + chunk.bytes.count <= limit else { return }
            state.chunks[place] = chunk
            state.byteCount += chunk.bytes.count
        }
    }
}
