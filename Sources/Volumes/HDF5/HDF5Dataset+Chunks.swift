internal import CHDF5

/// Whole chunks as they are stored, without HDF5's filters: these run under the library's one lock, where ours run
/// on several threads at once (``ChunkCodec``).
extension HDF5Dataset {
    /// Writes a chunk that has passed the dataset's filters already.
    ///
    /// - Parameter offset: the chunk's first element along each axis.
    package func writeChunk(at offset: [Int], _ bytes: UnsafeRawBufferPointer) throws(HDF5Error) {
        try HDF5Library.call("cannot write \(name)", path: path) {
            H5Dwrite_chunk(handle.id, chdf5_default(), 0, offset.map { hsize_t($0) }, bytes.count, bytes.baseAddress)
        }
        try file.checkOutput()
    }

    /// Reads a chunk as it is stored.
    ///
    /// - Throws: ``HDF5Error``, also where there is no such chunk, it is larger than `byteLimit`, or did not pass all
    ///   filters of the dataset.
    package func readChunk(at offset: [Int], byteLimit: Int) throws(HDF5Error) -> [UInt8] {
        let action = "cannot read \(name)"
        let position = offset.map { hsize_t($0) }
        var size: hsize_t = 0
        try HDF5Library.call(action, path: path) { H5Dget_chunk_storage_size(handle.id, position, &size) }
        func failure(_ reason: String) -> HDF5Error {
            HDF5Error(action, reason: "\(reason) at \(offset)", path: path)
        }
        guard size > 0 else { throw failure("there is no chunk") }
        guard size <= hsize_t(max(0, byteLimit)) else { throw failure("there is a chunk of \(size) bytes") }
        var skippedFilters: UInt32 = 0
        var bytes = [UInt8](repeating: 0, count: Int(size))
        try HDF5Library.call(action, path: path) {
            bytes.withUnsafeMutableBytes { H5Dread_chunk(handle.id, chdf5_default(), position, &skippedFilters, $0.baseAddress) }
        }
        guard skippedFilters == 0 else { throw failure("there is a chunk that skipped a filter") }
        return bytes
    }

    /// The number of chunks that were written.
    package func storedChunkCount() throws(HDF5Error) -> Int {
        let action = "cannot count the chunks of \(name)"
        let space = try HDF5Library.open(action, path: path) { H5Dget_space(handle.id) }
        var count: hsize_t = 0
        try HDF5Library.call(action, path: path) { H5Dget_num_chunks(handle.id, space.id, &count) }
        return Int(clamping: count)
    }
}
