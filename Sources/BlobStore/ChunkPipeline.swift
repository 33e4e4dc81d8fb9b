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

    /// The number of rows that are encoded at once: enough chunks for every core, of which memory holds two copies.
    var rowsPerBatch: Int {
        let band = grid.chunk[0] * max(1, grid.rowByteCount)
        return grid.chunk[0] * max(1, Self.batchByteCount / band)
    }

    private static let batchByteCount = 16 * ChunkGrid.targetByteCount

    /// Writes whole rows, which begin and end where chunks or the dataset do.
    func write(_ block: UnsafeRawBufferPointer, rows: Range<Int>) throws(BlobError) {
        let offsets = grid.chunks(inRows: rows)
        // Threads read it while this function waits for them.
        nonisolated(unsafe) let block = block
        // In groups, as a row may be wider than any memory wants to hold encoded.
        let groupSize = max(1, Self.batchByteCount / grid.chunkByteCount)
        for first in stride(from: 0, to: offsets.count, by: groupSize) {
            let group = Array(offsets[first..<min(first + groupSize, offsets.count)])
            let encoded = Mutex([[UInt8]?](repeating: nil, count: group.count))
            forEachConcurrently(group.count) { index in
                let chunk = encode(group[index], of: block, rows: rows)
                encoded.withLock { $0[index] = chunk }
            }
            // In order, so that equal artifacts are equal files.
            for (offset, chunk) in zip(group, encoded.withLock { $0 }) {
                guard let chunk else {
                    throw .system(ENOMEM, .unwritable, "cannot compress \(dataset.name)", path: dataset.path)
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
        // A chunk that lies in the block as it is needs no copy.
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

    /// Reads whole rows.
    func read(rows: Range<Int>, into block: UnsafeMutableRawBufferPointer) throws(BlobError) {
        let offsets = grid.chunks(inRows: rows)
        let failure = Mutex<BlobError?>(nil)
        // The chunks write to places of their own.
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
