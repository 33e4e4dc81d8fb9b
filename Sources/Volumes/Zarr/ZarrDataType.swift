/// The type of the elements of a zarr array as its metadata spell it: `<f4`, `>i2`, `|u1`.
struct ZarrDataType: Hashable, Sendable {
    let scalarType: ScalarType
    let isBigEndian: Bool

    /// The NumPy type codes that are read. Booleans are the bytes 0 and 1.
    private static let scalarTypes: [String: ScalarType] = [
        "b1": .uint8, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32, "i4": .int32, "u8": .uint64,
        "i8": .int64,
        "f2": .float16, "f4": .float32, "f8": .float64,
    ]

    /// Returns nil if the code is none of those that are read.
    init?(_ code: String) {
        guard let order = code.first, "<>|".contains(order), let scalarType = Self.scalarTypes[String(code.dropFirst())],
            order != "|" || scalarType.size == 1
        else { return nil }
        self.scalarType = scalarType
        self.isBigEndian = order == ">"
    }

    /// The little-endian bytes of a fill value, or nil if the type has no such value.
    func bytes(of fill: ZarrFillValue) -> [UInt8]? {
        func bytes<Value>(_ value: Value?) -> [UInt8]? { value.map { withUnsafeBytes(of: $0) { Array($0) } } }
        func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> [UInt8]? {
            switch fill {
            case .absent: bytes(Value.zero)
            case .integer(let value): bytes(Value(exactly: value)?.littleEndian)
            case .unsignedInteger(let value): bytes(Value(exactly: value)?.littleEndian)
            case .number(let value): bytes(Value(exactly: value)?.littleEndian)
            }
        }
        let number: Double =
            switch fill {
            case .absent: 0
            case .integer(let value): Double(value)
            case .unsignedInteger(let value): Double(value)
            case .number(let value): value
            }
        return switch scalarType {
        case .uint8: integer(UInt8.self)
        case .int8: integer(Int8.self)
        case .uint16: integer(UInt16.self)
        case .int16: integer(Int16.self)
        case .uint32: integer(UInt32.self)
        case .int32: integer(Int32.self)
        case .uint64: integer(UInt64.self)
        case .int64: integer(Int64.self)
        case .float16: bytes(Float16(number).bitPattern.littleEndian)
        case .float32: bytes(Float(number).bitPattern.littleEndian)
        case .float64: bytes(number.bitPattern.littleEndian)
        }
    }
}
