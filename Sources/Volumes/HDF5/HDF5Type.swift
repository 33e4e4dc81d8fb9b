internal import CHDF5

/// The type of the elements of a dataset.
package enum HDF5ElementType: Sendable, Hashable {
    /// Numbers, read as the scalar type. `isExact` is true if the file stores exactly this type, little-endian; false if
    /// HDF5 converts another one.
    case scalar(ScalarType, isExact: Bool)
    /// No numbers; the text names the class, for messages: `compound`.
    case other(String)
}

extension ScalarType {
    /// The little-endian HDF5 type, in the file and in memory. The library owns the identifier.
    var hdf5: hid_t {
        switch self {
        case .uint8: chdf5_type_u8()
        case .int8: chdf5_type_i8()
        case .uint16: chdf5_type_u16()
        case .int16: chdf5_type_i16()
        case .uint32: chdf5_type_u32()
        case .int32: chdf5_type_i32()
        case .uint64: chdf5_type_u64()
        case .int64: chdf5_type_i64()
        case .float16: Self.hdf5Half
        case .float32: chdf5_type_f32()
        case .float64: chdf5_type_f64()
        }
    }

    /// IEEE 754 binary16, which HDF5 1.10 has no name for: sign in bit 15, exponent in bits 10-14 with bias 15,
    /// mantissa in bits 0-9. h5py reads it as `<f2`.
    private static let hdf5Half: hid_t = {
        let type = H5Tcopy(chdf5_type_f32())
        // The fields are set before the size shrinks: they must fit the size at each moment.
        H5Tset_fields(type, 15, 10, 5, 0, 10)
        H5Tset_size(type, 2)
        H5Tset_ebias(type, 15)
        return type
    }()
}

extension HDF5ElementType {
    /// The element type of an HDF5 datatype.
    init(of type: hid_t) {
        switch H5Tget_class(type) {
        case H5T_INTEGER: self = Self.integer(type)
        case H5T_FLOAT: self = Self.real(type)
        case H5T_ENUM:
            // NumPy's booleans and named labels are enumerations: their underlying numbers are read.
            let base = H5Tget_super(type)
            defer { H5Tclose(base) }
            guard case .scalar(let scalar, _) = Self.integer(base) else {
                self = .other("enumerated")
                return
            }
            self = .scalar(scalar, isExact: false)
        case H5T_COMPOUND: self = .other("compound")
        case H5T_STRING: self = .other("string")
        case H5T_VLEN: self = .other("variable-length")
        case H5T_ARRAY: self = .other("array")
        case H5T_REFERENCE: self = .other("reference")
        case H5T_BITFIELD: self = .other("bit field")
        case H5T_OPAQUE: self = .other("opaque")
        case H5T_TIME: self = .other("time")
        default: self = .other("unknown")
        }
    }

    private static func integer(_ type: hid_t) -> HDF5ElementType {
        let isSigned = H5Tget_sign(type) == H5T_SGN_2
        let scalar: ScalarType
        switch H5Tget_size(type) {
        case 1: scalar = isSigned ? .int8 : .uint8
        case 2: scalar = isSigned ? .int16 : .uint16
        case 3...4: scalar = isSigned ? .int32 : .uint32
        case 5...8: scalar = isSigned ? .int64 : .uint64
        default: return .other("wide integer")
        }
        return .scalar(scalar, isExact: H5Tequal(type, scalar.hdf5) > 0)
    }

    private static func real(_ type: hid_t) -> HDF5ElementType {
        let size = H5Tget_size(type)
        var half = ScalarType.float16.hdf5
        if size == 2, H5Tget_order(type) == H5T_ORDER_BE {
            half = H5Tcopy(half)
            H5Tset_order(half, H5T_ORDER_BE)
        }
        let isHalf = size == 2 && H5Tequal(type, half) > 0
        if half != ScalarType.float16.hdf5 { H5Tclose(half) }
        // Other types of two bytes, such as bfloat16, have a range that float16 does not hold: they are read as float32.
        // Types wider than float64 are rounded to it.
        let scalar: ScalarType = isHalf ? .float16 : size <= 4 ? .float32 : .float64
        return .scalar(scalar, isExact: H5Tequal(type, scalar.hdf5) > 0)
    }
}
