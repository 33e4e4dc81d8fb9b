internal import Volumes

/// The chunks of a dataset: how many there are, and where the elements of each lie among whole rows of the dataset,
/// a row being everything with one index of the first axis.
struct ChunkGrid: Sendable {
    let shape: [Int]
    let chunk: [Int]
    let elementSize: Int
    /// The number of bytes of a whole chunk.
    let chunkByteCount: Int
    /// The number of bytes of a row.
    let rowByteCount: Int

    /// Chunks of about this size fit caches and are read one at a time.
    static let targetByteCount = 1 << 20
    /// The greatest chunk.
    static let byteLimit = 512 << 20

    /// Returns nil if an axis is empty, or a chunk has another rank, is empty along an axis, or larger than the limit.
    /// Chunks are cut to the shape.
    init?(shape: [Int], chunk: [Int], scalarType: ScalarType) {
        let cut = zip(chunk, shape).map { min($0, $1) }
        guard !shape.isEmpty, chunk.count == shape.count, shape.allSatisfy({ $0 >= 1 }), chunk.allSatisfy({ $0 >= 1 }),
            shape.byteCount(of: scalarType) != nil,
            let chunkByteCount = cut.byteCount(of: scalarType), chunkByteCount <= Self.byteLimit,
            let rowByteCount = Array(shape.dropFirst()).byteCount(of: scalarType)
        else { return nil }
        self.shape = shape
        self.chunk = cut
        self.elementSize = scalarType.size
        self.chunkByteCount = chunkByteCount
        self.rowByteCount = rowByteCount
    }

    /// The grid of a dataset as artifacts have them, or nil.
    init?(_ dataset: HDF5Dataset) {
        guard case .scalar(let scalarType, isExact: true) = dataset.elementType, case .chunked(let chunk) = dataset.layout,
            dataset.filters == [.fletcher32] || dataset.filters == [.shuffle, .deflate, .fletcher32],
            zip(chunk, dataset.shape).allSatisfy({ $0 <= $1 })
        else { return nil }
        self.init(shape: dataset.shape, chunk: chunk, scalarType: scalarType)
    }

    /// The usual chunk: as many whole inner axes as fit ``targetByteCount``, and a part of the next axis.
    static func usualChunk(shape: [Int], scalarType: ScalarType) -> [Int] {
        var chunk = [Int](repeating: 1, count: shape.count)
        var room = targetByteCount / scalarType.size
        for axis in shape.indices.reversed() where room > 1 {
            chunk[axis] = min(shape[axis], room)
            room /= max(1, shape[axis])
        }
        return chunk
    }

    /// The number of chunks along each axis.
    private var counts: [Int] { zip(shape, chunk).map { ($0 - 1) / $1 + 1 } }

    /// The number of chunks.
    var chunkCount: Int { counts.reduce(1, *) }

    /// The first element of each chunk that holds elements of the rows, in storage order.
    func chunks(inRows rows: Range<Int>) -> [[Int]] {
        guard !rows.isEmpty else { return [] }
        var offsets = stride(from: rows.lowerBound / chunk[0] * chunk[0], to: rows.upperBound, by: chunk[0]).map { [$0] }
        for axis in shape.indices.dropFirst() {
            let starts = stride(from: 0, to: shape[axis], by: chunk[axis])
            offsets = offsets.flatMap { prefix in starts.map { prefix + [$0] } }
        }
        return offsets
    }

    /// Calls the closure with each run of bytes that the chunk at `offset` shares with a block of whole rows: where the
    /// run begins in the block, where in the chunk, and its length.
    func forEachRun(
        ofChunkAt offset: [Int], inRows rows: Range<Int>, _ body: (_ inBlock: Int, _ inChunk: Int, _ byteCount: Int) -> Void
    ) {
        // The part of the chunk that is in the block: first element and extent along each axis.
        var start = offset
        var extent = zip(zip(offset, chunk), shape).map { min($0.0 + $0.1, $1) - $0.0 }
        start[0] = max(offset[0], rows.lowerBound)
        extent[0] = min(offset[0] + chunk[0], rows.upperBound) - start[0]
        guard extent[0] > 0 else { return }

        // Axes that are whole in the chunk make longer runs.
        var runAxis = shape.count - 1
        var run = extent[runAxis]
        while runAxis > 0, extent[runAxis] == shape[runAxis], chunk[runAxis] == shape[runAxis] {
            runAxis -= 1
            run *= extent[runAxis]
        }
        var index = [Int](repeating: 0, count: runAxis)
        while true {
            var inBlock = 0
            var inChunk = 0
            for axis in shape.indices {
                let position = start[axis] + (axis < runAxis ? index[axis] : 0)
                inBlock = inBlock * shape[axis] + position - (axis == 0 ? rows.lowerBound : 0)
                inChunk = inChunk * chunk[axis] + position - offset[axis]
            }
            body(inBlock * elementSize, inChunk * elementSize, run * elementSize)
            var axis = runAxis - 1
            while axis >= 0 {
                index[axis] += 1
                if index[axis] < extent[axis] { break }
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
