/// The type of the elements of a zarr array, and their byte order in a decoded chunk.
struct ZarrDataType: Hashable, Sendable {
    let scalarType: ScalarType
    let isBigEndian: Bool

    init(_ scalarType: ScalarType, isBigEndian: Bool) { (self.scalarType, self.isBigEndian) = (scalarType, isBigEndian) }

    /// The NumPy type codes that are read. Booleans are the bytes 0 and 1.
    private static let scalarTypes: [String: ScalarType] = [
        "b1": .uint8, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32, "i4": .int32, "u8": .uint64,
        "i8": .int64,
        "f2": .float16, "f4": .float32, "f8": .float64,
    ]

    /// The type with a NumPy code, as zarr version 2 names it: `<f4`, `>i2`, `|u1`. Nil if such elements are not read.
    init?(code: String) {
        guard let order = code.first, "<>|".contains(order), let scalarType = Self.scalarTypes[String(code.dropFirst())],
            order != "|" || scalarType.size == 1
        else { return nil }
        self.init(scalarType, isBigEndian: order == ">")
    }

    /// The type with a name of zarr version 3: `float32`, `int8`, `bool`. Nil if such elements are not read.
    static func scalarType(named name: String) -> ScalarType? {
        name == "bool" ? .uint8 : scalarTypes.values.first { "\($0)" == name }
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
            case .bitPattern, .text: nil
            }
        }
        func real(_ fromDouble: (Double) -> [UInt8]?) -> [UInt8]? {
            switch fill {
            case .absent: fromDouble(0)
            case .integer(let value): fromDouble(Double(value))
            case .unsignedInteger(let value): fromDouble(Double(value))
            case .number(let value): fromDouble(value)
            case .bitPattern(let bigEndian): bigEndian.count == scalarType.size ? bigEndian.reversed() : nil
            case .text: nil
            }
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
        case .float16: real { bytes(Float16($0).bitPattern.littleEndian) }
        case .float32: real { bytes(Float($0).bitPattern.littleEndian) }
        case .float64: real { bytes($0.bitPattern.littleEndian) }
        }
    }
}

/// The fill value as the metadata spell it: the value of voxels in chunks that were never written.
enum ZarrFillValue: Decodable, Hashable, Sendable {
    /// `null`: the value is undefined; zero is used.
    case absent
    case integer(Int64)
    case unsignedInteger(UInt64)
    case number(Double)
    /// `"0x7fc00001"`: the bytes of a floating-point number, the highest first (zarr version 3).
    case bitPattern([UInt8])
    /// Any other text: a value of a type that is not read here.
    case text(String)

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .absent
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(UInt64.self) {
            self = .unsignedInteger(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(Bool.self) {
            self = .integer(value ? 1 : 0)
        } else {
            switch try container.decode(String.self) {
            case "NaN": self = .number(.nan)
            case "Infinity": self = .number(.infinity)
            case "-Infinity": self = .number(-.infinity)
            case let text:
                self = Self.bytes(hexadecimal: text).map(Self.bitPattern) ?? .text(text)
            }
        }
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = text.utf8.dropFirst(2).compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard text.hasPrefix("0x"), digits.count == text.utf8.count - 2, [4, 8, 16].contains(digits.count) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
