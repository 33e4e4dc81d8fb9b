internal import CHDF5

/// An open dataset of an HDF5 file.
package final class HDF5Dataset: HDF5Object, Sendable {
    /// How the elements lie in the file.
    package enum Layout: Sendable, Hashable {
        /// One after another in one place.
        case contiguous
        /// In chunks of this shape.
        case chunked([Int])
        /// In other files, or in a way that this build does not know.
        case elsewhere(String)
    }

    package let file: HDF5File
    package let name: String
    package let shape: [Int]
    package let elementType: HDF5ElementType
    package let layout: Layout
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
        // The extent of a virtual dataset is not asked for: that alone would open its other files.
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

    /// HDF5 1.10 holds the elements of a compact dataset in memory, and reads beyond them where a damaged shape claims more.
    private static func checkCompactSize(
        of handle: HDF5Handle, elementSize: Int, shape: [Int], action: String, path: String
    ) throws(HDF5Error) {
        var storedSize: hsize_t = 0
        HDF5Library.attempt { storedSize = H5Dget_storage_size(handle.id) }
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

    /// Creates a dataset of fixed shape in the root group: in chunks that pass the filters, or contiguous where `chunk`
    /// is nil.
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
            // All attributes in the object's header, however many: one read, and covered by its checksum.
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

    /// Reads a block of elements, converted to little-endian values of the scalar type.
    ///
    /// - Parameters:
    ///   - start: the first element along each axis.
    ///   - count: how many along each axis.
    ///   - destination: room for the product of `count` values.
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
        // Where a file says that what was never written has no value, HDF5 leaves the destination as it is: not with what
        // this memory held before.
        destination.initializeMemory(as: UInt8.self, repeating: 0)
        try HDF5Library.call(action, path: path) {
            H5Dread(handle.id, scalarType.hdf5, memorySpace.id, fileSpace.id, chdf5_default(), destination.baseAddress)
        }
    }

    // Link traversal that stays in the file; lives as long as the process.
    private static let withinFile: hid_t = {
        let list = H5Pcreate(chdf5_plist_dataset_access())
        chdf5_refuse_external_links(list)
        return list
    }()
}

extension [Int] {
    /// The number of bytes of an array of this shape, or nil where that fits no `Int` or an axis is negative.
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
