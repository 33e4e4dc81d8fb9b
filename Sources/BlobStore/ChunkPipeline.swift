internal import Basics
internal import Dispatch
internal import Glibc
internal import Synchronization
internal import Volumes

/// Encodes and decodes the chunks of one dataset, several at a time.
struct ChunkPipeline: Sendable {
    let dataset: HDF5Dataset
    let grid: ChunkGrid
    let codec: ChunkCodec

    init(dataset: HDF5Dataset, grid: ChunkGrid, compression: Int) {
        self.dataset = dataset
        self.grid = grid
        self.codec = ChunkCodec(elementSize: grid.elementSize, compression: compression)
    }

    /// The number of rows in a batch: those of about 16 MiB, a multiple of the chunk's rows. A batch has enough chunks for all
    /// cores; two copies of it are in memory.
    var rowsPerBatch: Int {
        let band = grid.chunk[0] * max(1, grid.rowByteCount)
        return grid.chunk[0] * max(1, Self.batchByteCount / band)
    }

    private static let batchByteCount = 16 * ChunkGrid.targetByteCount

    /// Encodes and writes whole rows. `rows` must begin and end at a chunk boundary or at the end of the dataset.
    ///
    /// - Throws: ``BlobError`` where the disk is full or zlib cannot allocate memory.
    func write(_ block: UnsafeRawBufferPointer, rows: Range<Int>) throws(BlobError) {
        let offsets = grid.chunks(inRows: rows)
        // Safe, because this function waits for the threads that read the block.
        nonisolated(unsafe) let block = block
        // In groups of about 16 MiB, because a row may be too large to hold it encoded in memory.
        let groupSize = max(1, Self.batchByteCount / grid.chunkByteCount)
        for first in stride(from: 0, to: offsets.count, by: groupSize) {
            let group = Array(offsets[first..<min(first + groupSize, offsets.count)])
            let encoded = Mutex([[UInt8]?](repeating: nil, count: group.count))
            forEachConcurrently(group.count) { index in
                let chunk = encode(group[index], of: block, rows: rows)
                encoded.withLock { $0[index] = chunk }
            }
            // Chunks are written in order, so that equal artifacts have equal files.
            for (offset, chunk) in zip(group, encoded.withLock { $0 }) {
                guard let chunk else {
                    throw .system(SystemError(ENOMEM), .unwritable, "cannot compress \(dataset.name)", path: dataset.path)
                }
                do throws(HDF5Error) {
                    let result: Result<Void, HDF5Error> = chunk.withUnsafeBytes { bytes in
                        do throws(HDF5Error) {
                            return .success(try dataset.writeChunk(at: offset, bytes))
                        } catch {
                            return .failure(error)
                        }
                    }
                    try result.get()
                } catch {
                    throw .writing(error)
                }
            }
        }
    }

    private func encode(_ offset: [Int], of block: UnsafeRawBufferPointer, rows: Range<Int>) -> [UInt8]? {
        // A chunk that is contiguous in the block needs no copy.
        var whole: UnsafeRawBufferPointer?
        grid.forEachRun(ofChunkAt: offset, inRows: rows) { inBlock, _, byteCount in
            if byteCount == grid.chunkByteCount { whole = UnsafeRawBufferPointer(rebasing: block[inBlock..<inBlock + byteCount]) }
        }
        if let whole { return codec.encode(whole) }
        // Chunks at the far edges are padded with zeros.
        var chunk = [UInt8](repeating: 0, count: grid.chunkByteCount)
        chunk.withUnsafeMutableBytes { chunk in
            grid.forEachRun(ofChunkAt: offset, inRows: rows) { inBlock, inChunk, byteCount in
                UnsafeMutableRawBufferPointer(rebasing: chunk[inChunk..<inChunk + byteCount])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: block[inBlock..<inBlock + byteCount]))
            }
        }
        return chunk.withUnsafeBytes(codec.encode)
    }

    /// Reads and decodes whole rows.
    ///
    /// - Throws: ``BlobError`` where the file cannot be read or a chunk is damaged.
    func read(rows: Range<Int>, into block: UnsafeMutableRawBufferPointer) throws(BlobError) {
        let offsets = grid.chunks(inRows: rows)
        let failure = Mutex<BlobError?>(nil)
        // Safe, because each chunk writes to its own part of the block.
        nonisolated(unsafe) let block = block
        forEachConcurrently(offsets.count) { index in
            guard failure.withLock({ $0 == nil }) else { return }
            do throws(BlobError) {
                try decode(offsets[index], into: block, rows: rows)
            } catch {
                failure.withLock { $0 = error }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func decode(_ offset: [Int], into block: UnsafeMutableRawBufferPointer, rows: Range<Int>) throws(BlobError) {
        let stored: [UInt8]
        do throws(HDF5Error) {
            stored = try dataset.readChunk(at: offset, byteLimit: ChunkCodec.encodedByteLimit(grid.chunkByteCount))
        } catch {
            throw .reading(error)
        }
        var isIntact = false
        var whole: UnsafeMutableRawBufferPointer?
        grid.forEachRun(ofChunkAt: offset, inRows: rows) { inBlock, _, byteCount in
            if byteCount == grid.chunkByteCount {
                whole = UnsafeMutableRawBufferPointer(rebasing: block[inBlock..<inBlock + byteCount])
            }
        }
        if let whole {
            isIntact = codec.decode(stored, into: whole)
        } else {
            let chunk = [UInt8](unsafeUninitializedCapacity: grid.chunkByteCount) { buffer, count in
                isIntact = codec.decode(stored, into: UnsafeMutableRawBufferPointer(buffer))
                count = isIntact ? grid.chunkByteCount : 0
            }
            if isIntact {
                chunk.withUnsafeBytes { chunk in
                    grid.forEachRun(ofChunkAt: offset, inRows: rows) { inBlock, inChunk, byteCount in
                        UnsafeMutableRawBufferPointer(rebasing: block[inBlock..<inBlock + byteCount])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[inChunk..<inChunk + byteCount]))
                    }
                }
            }
        }
        guard isIntact else {
            throw .corrupt("the checksum of \(dataset.name) at \(offset) is wrong", path: dataset.path)
        }
    }
}

/// Runs the closure for each index below `count`, on as many threads as there are cores.
private func forEachConcurrently(_ count: Int, _ body: @Sendable (Int) -> Void) {
    if count == 1 { body(0) } else { DispatchQueue.concurrentPerform(iterations: count, execute: body) }
}

/// The division of a dataset into chunks: their number, and the positions of a chunk's elements within whole rows. A row is
/// all elements with one index along the first axis.
struct ChunkGrid: Sendable {
    let shape: [Int]
    let chunk: [Int]
    let elementSize: Int
    /// The size of a whole chunk, in bytes.
    let chunkByteCount: Int
    /// The size of a row, in bytes.
    let rowByteCount: Int

    /// The usual size of a chunk in bytes: it fits into caches, and is the unit of reading.
    static let targetByteCount = 1 << 20
    /// The greatest size of a chunk, in bytes.
    static let byteLimit = 512 << 20

    /// Returns nil if an axis is empty, or the chunk has another rank than the shape, is empty along an axis, or is larger than
    /// the limit. A chunk that is longer than the shape along an axis is cut.
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

    /// The grid of a stored dataset; nil where its type, layout or filters are not those of artifacts.
    init?(_ dataset: HDF5Dataset) {
        guard case .scalar(let scalarType, isExact: true) = dataset.elementType, case .chunked(let chunk) = dataset.layout,
            dataset.filters == [.fletcher32] || dataset.filters == [.shuffle, .deflate, .fletcher32],
            zip(chunk, dataset.shape).allSatisfy({ $0 <= $1 })
        else { return nil }
        self.init(shape: dataset.shape, chunk: chunk, scalarType: scalarType)
    }

    /// The shape of the usual chunk: as many whole inner axes as fit into ``targetByteCount``, and a part of the next axis.
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

    /// The index of the first element of each chunk that intersects the rows, in storage order.
    func chunks(inRows rows: Range<Int>) -> [[Int]] {
        guard !rows.isEmpty else { return [] }
        var offsets = stride(from: rows.lowerBound / chunk[0] * chunk[0], to: rows.upperBound, by: chunk[0]).map { [$0] }
        for axis in shape.indices.dropFirst() {
            let starts = stride(from: 0, to: shape[axis], by: chunk[axis])
            offsets = offsets.flatMap { prefix in starts.map { prefix + [$0] } }
        }
        return offsets
    }

    /// Calls the closure with each contiguous run of bytes that the chunk at `offset` has in common with a block of whole rows:
    /// the offset of the run in the block, its offset in the chunk, and its length, in bytes.
    func forEachRun(
        ofChunkAt offset: [Int], inRows rows: Range<Int>, _ body: (_ inBlock: Int, _ inChunk: Int, _ byteCount: Int) -> Void
    ) {
        // The part of the chunk that is in the block: the first element and the extent along each axis.
        var start = offset
        var extent = zip(zip(offset, chunk), shape).map { min($0.0 + $0.1, $1) - $0.0 }
        start[0] = max(offset[0], rows.lowerBound)
        extent[0] = min(offset[0] + chunk[0], rows.upperBound) - start[0]
        guard extent[0] > 0 else { return }

        // Inner axes that the chunk contains whole are joined into longer runs.
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
