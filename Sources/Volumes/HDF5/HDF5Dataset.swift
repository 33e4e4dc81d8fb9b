internal import CHDF5

/// An open dataset of an HDF5 file.
package final class HDF5Dataset: HDF5Object, Sendable {
    /// How the elements are stored.
    package enum Layout: Sendable, Hashable {
        /// All elements in one block.
        case contiguous
        /// In chunks of this shape.
        case chunked([Int])
        /// In other files or in an unknown layout; the text says where, for messages.
        case elsewhere(String)
    }

    package let file: HDF5File
    /// For messages: `the dataset 'raw'`.
    package let name: String
    /// The number of elements along each axis, the fastest axis last; empty for a dataset whose elements are elsewhere.
    package let shape: [Int]
    package let elementType: HDF5ElementType
    package let layout: Layout
    /// The filters in the order in which they are applied when a chunk is written.
    package let filters: [HDF5Filter]
    let handle: HDF5Handle

    package var path: String { file.path }
    package var identifier: Int64 { handle.id }

    private init(
        file: HDF5File, name: String, shape: [Int], elementType: HDF5ElementType, layout: Layout, filters: [HDF5Filter],
        handle: HDF5Handle
    ) {
        self.file = file
        self.name = name
        self.shape = shape
        self.elementType = elementType
        self.layout = layout
        self.filters = filters
        self.handle = handle
    }

    /// Opens a dataset by its path inside the file. Links into other files are not followed.
    ///
    /// - Throws: ``HDF5Error`` where there is no such dataset, or its metadata are damaged.
    /// - Complexity: reads metadata only.
    package static func open(_ member: String, in file: HDF5File) throws(HDF5Error) -> HDF5Dataset {
        let name = "the dataset '\(member)'"
        let action = "cannot open \(name)"
        let handle = try HDF5Library.open(action, path: file.path) { H5Dopen2(file.handle.id, member, withinFile) }
        let creation = try HDF5Library.open(action, path: file.path) { H5Dget_create_plist(handle.id) }
        let type = try HDF5Library.open(action, path: file.path) { H5Dget_type(handle.id) }
        var layoutClass = H5D_LAYOUT_ERROR
        var externalCount: Int32 = 0
        var elementType = HDF5ElementType.other("")
        var filters: [HDF5Filter] = []
        try HDF5Library.call(action, path: file.path) {
            layoutClass = H5Pget_layout(creation.id)
            externalCount = H5Pget_external_count(creation.id)
            elementType = HDF5ElementType(of: type.id)
            let count = H5Pget_nfilters(creation.id)
            filters = (0..<UInt32(max(0, count))).map { index in
                var flags: UInt32 = 0
                var parameterCount = 0
                return HDF5Filter(id: H5Pget_filter2(creation.id, index, &flags, &parameterCount, nil, 0, nil, nil))
            }
            return min(count, layoutClass.rawValue)
        }
        // To get the extent of a virtual dataset, HDF5 would open its other files. So it is not asked for.
        let isElsewhere = externalCount > 0 || layoutClass == H5D_VIRTUAL
        let shape = isElsewhere ? [] : try extent(handle, action: action, path: file.path)
        let layout: Layout
        switch layoutClass {
        case _ where externalCount > 0: layout = .elsewhere("in external files")
        case H5D_VIRTUAL: layout = .elsewhere("in the files of a virtual dataset")
        case H5D_COMPACT:
            try checkCompactSize(of: handle, elementSize: H5Tget_size(type.id), shape: shape, action: action, path: file.path)
            layout = .contiguous
        case H5D_CONTIGUOUS: layout = .contiguous
        case H5D_CHUNKED:
            var chunk = [hsize_t](repeating: 0, count: shape.count)
            try HDF5Library.call(action, path: file.path) { H5Pget_chunk(creation.id, Int32(shape.count), &chunk) }
            layout = .chunked(chunk.map { Int(clamping: $0) })
        default: layout = .elsewhere("in an unknown layout")
        }
        return HDF5Dataset(
            file: file, name: name, shape: shape, elementType: elementType, layout: layout, filters: filters, handle: handle)
    }

    /// Refuses a compact dataset whose shape needs more bytes than are stored: HDF5 1.10 keeps the stored elements in memory
    /// and would read beyond their end.
    private static func checkCompactSize(
        of handle: HDF5Handle, elementSize: Int, shape: [Int], action: String, path: String
    ) throws(HDF5Error) {
        var storedSize: hsize_t = 0
        HDF5Library.ignoringFailure { storedSize = H5Dget_storage_size(handle.id) }
        var size = elementSize
        for axis in shape {
            let (product, overflows) = size.multipliedReportingOverflow(by: axis)
            size = overflows ? .max : product
        }
        guard size <= Int(clamping: storedSize) else {
            throw HDF5Error(action, reason: "its shape \(shape) is larger than what it stores", path: path)
        }
    }

    private static func extent(_ handle: HDF5Handle, action: String, path: String) throws(HDF5Error) -> [Int] {
        let space = try HDF5Library.open(action, path: path) { H5Dget_space(handle.id) }
        let rank = try HDF5Library.call(action, path: path) { H5Sget_simple_extent_ndims(space.id) }
        var dimensions = [hsize_t](repeating: 0, count: Int(rank))
        guard rank > 0 else { return [] }
        try HDF5Library.call(action, path: path) { H5Sget_simple_extent_dims(space.id, &dimensions, nil) }
        return dimensions.map { Int(clamping: $0) }
    }

    /// Creates a dataset of fixed shape in the root group.
    ///
    /// - Parameters:
    ///   - member: the name.
    ///   - shape: the number of elements along each axis, the fastest axis last.
    ///   - chunk: the shape of a chunk; nil for a contiguous dataset without filters.
    ///   - compression: the level of deflate, with the shuffle filter before it; 0 for none. Chunks have a Fletcher checksum.
    package static func create(
        _ member: String, in file: HDF5File, shape: [Int], scalarType: ScalarType, chunk: [Int]?, compression: Int
    ) throws(HDF5Error) -> HDF5Dataset {
        let name = "the dataset '\(member)'"
        let action = "cannot create \(name)"
        let creation = try HDF5Library.open(action, path: file.path) { H5Pcreate(chdf5_plist_dataset_create()) }
        let filters: [HDF5Filter] =
            chunk == nil ? [] : compression == 0 ? [.fletcher32] : [.shuffle, .deflate, .fletcher32]
        try HDF5Library.call(action, path: file.path) { () -> herr_t in
            H5Pset_obj_track_times(creation.id, false)
            // Keeps all attributes in the object's header, however many: they need one read and have its checksum.
            H5Pset_attr_phase_change(creation.id, 1024, 1023)
            H5Pset_fill_time(creation.id, H5D_FILL_TIME_NEVER)
            guard let chunk else { return 0 }
            var status = H5Pset_chunk(creation.id, Int32(chunk.count), chunk.map { hsize_t($0) })
            if filters.contains(.deflate) {
                status = min(status, H5Pset_shuffle(creation.id), H5Pset_deflate(creation.id, UInt32(compression)))
            }
            return min(status, H5Pset_fletcher32(creation.id))
        }
        let space = try HDF5Library.open(action, path: file.path) {
            H5Screate_simple(Int32(shape.count), shape.map { hsize_t($0) }, nil)
        }
        let handle = try HDF5Library.open(action, path: file.path) {
            H5Dcreate2(
                file.handle.id, member, scalarType.hdf5, space.id, chdf5_default(), creation.id, chdf5_default())
        }
        return HDF5Dataset(
            file: file, name: name, shape: shape, elementType: .scalar(scalarType, isExact: true),
            layout: chunk.map { .chunked($0) } ?? .contiguous, filters: filters, handle: handle)
    }

    /// Reads a block of elements, converted to little-endian values of the scalar type, the last axis fastest.
    ///
    /// - Parameters:
    ///   - start: the first element along each axis.
    ///   - count: the number of elements along each axis.
    ///   - destination: exactly the bytes of the block.
    /// - Throws: ``HDF5Error`` where the block does not lie in the dataset, does not fit the destination, or cannot be read.
    /// - Complexity: reads the block; of a chunked dataset, HDF5 decodes every chunk that the block touches, on one thread.
    package func read(
        start: [Int], count: [Int], as scalarType: ScalarType, into destination: UnsafeMutableRawBufferPointer
    ) throws(HDF5Error) {
        let action = "cannot read \(name)"
        guard let byteCount = count.byteCount(of: scalarType), byteCount == destination.count,
            start.count == shape.count, count.count == shape.count,
            zip(zip(start, count), shape).allSatisfy({ $0.0 >= 0 && $0.1 >= 1 && $0.0 <= $1 - $0.1 })
        else { throw HDF5Error(action, reason: "the block does not lie in the dataset", path: path) }
        let fileSpace = try HDF5Library.open(action, path: path) { H5Dget_space(handle.id) }
        let memorySpace = try HDF5Library.open(action, path: path) {
            H5Screate_simple(Int32(count.count), count.map { hsize_t($0) }, nil)
        }
        try HDF5Library.call(action, path: path) {
            H5Sselect_hyperslab(
                fileSpace.id, H5S_SELECT_SET, start.map { hsize_t($0) }, nil, count.map { hsize_t($0) }, nil)
        }
        // If the file has no fill value for elements that were never written, HDF5 leaves their part of the destination as it
        // is. It must not show what this memory held before, so it is cleared.
        destination.initializeMemory(as: UInt8.self, repeating: 0)
        try HDF5Library.call(action, path: path) {
            H5Dread(handle.id, scalarType.hdf5, memorySpace.id, fileSpace.id, chdf5_default(), destination.baseAddress)
        }
    }

    // The property list that refuses links into other files. It lives as long as the process.
    private static let withinFile: hid_t = {
        let list = H5Pcreate(chdf5_plist_dataset_access())
        chdf5_refuse_external_links(list)
        return list
    }()
}

extension [Int] {
    /// The number of bytes of an array of this shape; nil where it overflows `Int` or an axis is negative.
    package func byteCount(of scalarType: ScalarType) -> Int? {
        var bytes = scalarType.size
        for axis in self {
            let (product, overflows) = bytes.multipliedReportingOverflow(by: axis)
            guard axis >= 0, !overflows else { return nil }
            bytes = product
        }
        return bytes
    }
}

/// Reads and writes whole chunks as they are stored, without HDF5's filters. HDF5's filters run under the library's one
/// lock; our own (``ChunkCodec``) run on several threads at once.
extension HDF5Dataset {
    /// Writes a chunk that is encoded already, as the dataset's filters would do.
    ///
    /// - Parameters:
    ///   - offset: the chunk's first element along each axis.
    ///   - bytes: the encoded chunk.
    /// - Throws: ``HDF5Error`` where this or an earlier write failed.
    package func writeChunk(at offset: [Int], _ bytes: UnsafeRawBufferPointer) throws(HDF5Error) {
        try HDF5Library.call("cannot write \(name)", path: path) {
            H5Dwrite_chunk(handle.id, chdf5_default(), 0, offset.map { hsize_t($0) }, bytes.count, bytes.baseAddress)
        }
        try file.checkOutput()
    }

    /// Reads a chunk as it is stored, without decoding it.
    ///
    /// - Parameter offset: the chunk's first element along each axis.
    /// - Throws: ``HDF5Error``, also where there is no such chunk, it is larger than `byteLimit`, or it was stored without
    ///   some of the dataset's filters.
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

/// A filter that is applied to chunks when they are written, by its registered number.
package struct HDF5Filter: Sendable, Hashable {
    package let id: Int32

    package static let deflate = HDF5Filter(id: 1)
    package static let shuffle = HDF5Filter(id: 2)
    package static let fletcher32 = HDF5Filter(id: 3)

    /// Whether the library in use has this filter.
    var isAvailable: Bool {
        var status: htri_t = 0
        HDF5Library.ignoringFailure { status = H5Zfilter_avail(H5Z_filter_t(id)) }
        return status > 0
    }

    /// The common name (registry of The HDF Group: support.hdfgroup.org/documentation/hdf5-plugins); `unknown` for others.
    package var name: String {
        Self.names[id] ?? "unknown"
    }

    private static let names: [Int32: String] = [
        1: "deflate", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scale-offset",
        305: "LZO", 307: "bzip2", 32000: "LZF", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
        32015: "Zstandard", 32017: "SZ", 32026: "Blosc2",
    ]
}
