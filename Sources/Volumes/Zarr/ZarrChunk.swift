import Synchronization

/// A decoded chunk in memory: `[z][y][x]`, x fastest, little-endian, without the voxels beyond the edges of the volume.
struct ZarrChunk: Sendable {
    let shape: VolumeShape
    /// `shape.count` values.
    let bytes: [UInt8]

    /// Brings the decoded bytes of a chunk into this order.
    ///
    /// - Parameters:
    ///   - decoded: the elements of the whole chunk, as they are stored.
    ///   - shape: the part of the chunk that lies inside the volume; no axis is longer than the chunk's.
    ///   - strides: the distance in elements between neighbours along each axis in `decoded`.
    /// - Complexity: no copy if the stored order is the result's order, else one pass over the voxels.
    init(decoded: [UInt8], shape: VolumeShape, strides: (z: Int, y: Int, x: Int), dataType: ZarrDataType) {
        self.shape = shape
        let size = dataType.scalarType.size
        let isSwapped = dataType.isBigEndian && size > 1
        if !isSwapped, strides == (shape.voxelsPerSlice, shape.x, 1), decoded.count == shape.count * size {
            bytes = decoded
            return
        }
        bytes = [UInt8](unsafeUninitializedCapacity: shape.count * size) { output, initialized in
            decoded.withUnsafeBytes { input in
                let output = UnsafeMutableRawBufferPointer(output)
                switch size {
                case 1: Self.gather(UInt8.self, from: input, strides: strides, shape: shape, isSwapped: false, into: output)
                case 2: Self.gather(UInt16.self, from: input, strides: strides, shape: shape, isSwapped: isSwapped, into: output)
                case 4: Self.gather(UInt32.self, from: input, strides: strides, shape: shape, isSwapped: isSwapped, into: output)
                default: Self.gather(UInt64.self, from: input, strides: strides, shape: shape, isSwapped: isSwapped, into: output)
                }
            }
            initialized = shape.count * size
        }
    }

    @inline(__always)
    private static func gather<Word: FixedWidthInteger & BitwiseCopyable>(
        _ type: Word.Type, from input: UnsafeRawBufferPointer, strides: (z: Int, y: Int, x: Int), shape: VolumeShape,
        isSwapped: Bool,
        into output: UnsafeMutableRawBufferPointer
    ) {
        let input = input.assumingMemoryBound(to: Word.self)
        let output = output.assumingMemoryBound(to: Word.self)
        var target = 0
        for z in 0..<shape.z {
            for y in 0..<shape.y {
                var source = z * strides.z + y * strides.y
                if isSwapped {
                    for _ in 0..<shape.x {
                        output[target] = input[source].byteSwapped
                        source += strides.x
                        target += 1
                    }
                } else {
                    for _ in 0..<shape.x {
                        output[target] = input[source]
                        source += strides.x
                        target += 1
                    }
                }
            }
        }
    }
}

/// The decoded chunks of a volume that are kept in memory, so that reading slice after slice decodes each chunk once.
///
/// A read of slices uses the chunks of one **layer** (the chunks at one depth) again and again. So chunks of other layers
/// are dropped first. When one layer alone fills the memory, its further chunks are not kept: a "least recently used" rule
/// would drop every chunk just before it is used again.
final class ZarrChunkCache: Sendable {
    /// The size limit of all kept chunks in bytes.
    private let limit: Int
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

    /// Keeps a chunk if it fits beside the kept chunks of its layer.
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
