internal import CHDF5

/// The value of an attribute: text or numbers. `isScalar` tells a scalar attribute from an array of one number.
package enum HDF5AttributeValue: Sendable, Hashable {
    case string(String)
    case integers([Int64], isScalar: Bool)
    case reals([Double], isScalar: Bool)
}

/// An object of an HDF5 file that has attributes: the root group or a dataset.
package protocol HDF5Object {
    /// What it is, for messages: `the dataset 'raw'`.
    var name: String { get }
    /// The path of the file.
    var path: String { get }
    /// Its HDF5 identifier.
    var identifier: Int64 { get }
}

extension HDF5Object {
    /// The size limit in bytes of attributes that are read or written. Larger values belong in a dataset.
    package static var attributeByteLimit: Int { 60_000 }

    /// The names of all attributes, sorted.
    package func attributeNames() throws(HDF5Error) -> [String] {
        try HDF5Library.names("cannot list the attributes of \(name)", path: path) { visitor, context in
            chdf5_each_attribute(identifier, visitor, context)
        }
    }

    /// Writes a new attribute: text as fixed-length UTF-8, integers as int64, reals as float64.
    ///
    /// - Throws: ``HDF5Error``, also where the object has an attribute of this name.
    package func writeAttribute(_ attribute: String, _ value: HDF5AttributeValue) throws(HDF5Error) {
        switch value {
        case .string(let text):
            // Text of fixed length is stored in the object's header. Text of variable length would go to a heap that has no
            // checksum.
            let bytes = Array(text.utf8)
            let type = try stringType(size: max(1, bytes.count))
            try create(attribute, type: type.id, extent: nil) { bytes.isEmpty ? [0] : bytes }
        case .integers(let values, let isScalar):
            try create(attribute, type: chdf5_type_i64(), extent: isScalar ? nil : values.count) { values }
        case .reals(let values, let isScalar):
            try create(attribute, type: chdf5_type_f64(), extent: isScalar ? nil : values.count) { values }
        }
    }

    private func create<Value: BitwiseCopyable>(
        _ attribute: String, type: hid_t, extent: Int?, values: () -> [Value]
    ) throws(HDF5Error) {
        let action = "cannot write the attribute '\(attribute)' of \(name)"
        let space = try HDF5Library.open(action, path: path) {
            guard let extent else { return H5Screate(H5S_SCALAR) }
            var dimension = hsize_t(extent)
            return H5Screate_simple(1, &dimension, nil)
        }
        let handle = try HDF5Library.open(action, path: path) {
            H5Acreate2(identifier, attribute, type, space.id, chdf5_default(), chdf5_default())
        }
        let values = values()
        guard !values.isEmpty else { return }
        try HDF5Library.call(action, path: path) { values.withUnsafeBytes { H5Awrite(handle.id, type, $0.baseAddress) } }
    }

    private func stringType(size: Int) throws(HDF5Error) -> HDF5Handle {
        let type = try HDF5Library.open("cannot make a string type", path: path) { H5Tcopy(chdf5_type_c_string()) }
        try HDF5Library.call("cannot make a string type", path: path) {
            min(H5Tset_size(type.id, size), H5Tset_cset(type.id, H5T_CSET_UTF8), H5Tset_strpad(type.id, H5T_STR_NULLPAD))
        }
        return type
    }

    /// Reads an attribute; nil where it is larger than ``attributeByteLimit`` or its type is neither text nor number.
    ///
    /// - Throws: ``HDF5Error`` where there is no such attribute or it cannot be read.
    package func readAttribute(_ attribute: String) throws(HDF5Error) -> HDF5AttributeValue? {
        let action = "cannot read the attribute '\(attribute)' of \(name)"
        let handle = try HDF5Library.open(action, path: path) { H5Aopen(identifier, attribute, chdf5_default()) }
        let type = try HDF5Library.open(action, path: path) { H5Aget_type(handle.id) }
        let space = try HDF5Library.open(action, path: path) { H5Aget_space(handle.id) }
        var rank: Int32 = 0
        var count: hssize_t = 0
        var isString = false
        var element = HDF5ElementType.other("")
        try HDF5Library.call(action, path: path) {
            rank = H5Sget_simple_extent_ndims(space.id)
            count = H5Sget_simple_extent_npoints(space.id)
            isString = H5Tget_class(type.id) == H5T_STRING
            element = HDF5ElementType(of: type.id)
            return min(Int64(rank), count)
        }
        guard count <= Int64(Self.attributeByteLimit / 8) else { return nil }
        if isString {
            guard count == 1 else { return nil }
            return try readString(handle, type: type, action: action).map { .string($0) }
        }
        guard case .scalar(let scalar, _) = element else { return nil }
        if scalar.isFloatingPoint {
            return .reals(try read(handle, type: chdf5_type_f64(), count: Int(count), zero: 0.0, action), isScalar: rank == 0)
        }
        // HDF5 clamps unsigned numbers beyond 2⁶³ − 1 to that value.
        return .integers(try read(handle, type: chdf5_type_i64(), count: Int(count), zero: Int64(0), action), isScalar: rank == 0)
    }

    private func read<Value: BitwiseCopyable>(
        _ handle: HDF5Handle, type: hid_t, count: Int, zero: Value, _ action: String
    ) throws(HDF5Error) -> [Value] {
        guard count > 0 else { return [] }
        var values = [Value](repeating: zero, count: count)
        try HDF5Library.call(action, path: path) { values.withUnsafeMutableBytes { H5Aread(handle.id, type, $0.baseAddress) } }
        return values
    }

    private func readString(_ handle: HDF5Handle, type: HDF5Handle, action: String) throws(HDF5Error) -> String? {
        var size = 0
        var isVariable: htri_t = 0
        try HDF5Library.call(action, path: path) {
            size = H5Tget_size(type.id)
            isVariable = H5Tis_variable_str(type.id)
            return isVariable
        }
        if isVariable > 0 {
            let memoryType = try stringType(size: chdf5_variable_length())
            var text: String?
            try HDF5Library.call(action, path: path) {
                var pointer: UnsafeMutablePointer<CChar>?
                let status = H5Aread(handle.id, memoryType.id, &pointer)
                if let pointer {
                    text = String(validatingCString: pointer)
                    H5free_memory(pointer)
                }
                return status
            }
            return text
        }
        guard size > 0, size <= Self.attributeByteLimit else { return nil }
        let memoryType = try stringType(size: size)
        let bytes = try read(handle, type: memoryType.id, count: size, zero: UInt8(0), action)
        return String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
