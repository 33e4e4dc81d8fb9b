import Basics

/// The checked metadata of one array of a zarr store of version 2 (`.zarray`): shape, chunks, type and compression.
///
/// Source: the zarr storage specification, version 2.
struct ZarrArray: Sendable {
    /// The number of elements along each axis, in storage order: two to five axes.
    let shape: [Int]
    /// The number of elements of a chunk along each axis. Chunks at the far edges are stored whole, beyond the shape.
    let chunkShape: [Int]
    let dataType: ZarrDataType
    let codec: ZarrCodec
    /// The fill value, as the little-endian bytes of one voxel: for chunks that were never written.
    let fill: [UInt8]
    /// The distance in elements between neighbours along each axis in a decoded chunk.
    let strides: [Int]
    /// The number of elements of a chunk.
    let chunkCount: Int
    /// The key of the array's folder.
    let key: String
    private let separator: String

    /// The size limit of a decoded chunk in bytes.
    static let chunkLimit = 512 << 20

    /// Reads and checks `.zarray` in a folder of a store.
    ///
    /// - Throws: ``VolumeError`` where the metadata contradict themselves, name a codec, filter or type that is not
    ///   read here, or declare chunks of more than 512 MiB.
    init(key: String, in store: ZarrStore) throws(VolumeError) {
        let metadataKey = ZarrStore.key(".zarray", in: key)
        let path = store.path(of: metadataKey)
        guard let metadata = try store.document(Metadata.self, at: metadataKey) else {
            throw .malformedMetadata("is missing", path: path)
        }
        guard metadata.version == 2 else {
            throw .zarrFeatureNotSupported("has zarr_format \(metadata.version)", advice: "write it as version 2", path: path)
        }
        guard case .simple(let code) = metadata.dtype, let dataType = ZarrDataType(code) else {
            throw .zarrFeatureNotSupported(
                "has elements of type \(metadata.dtype)", advice: "write integers or floating-point numbers", path: path)
        }
        guard metadata.filters?.isEmpty ?? true else {
            throw .codecNotSupported("filter \(metadata.filters?.map(\.name).joined(separator: ", ") ?? "")", path: path)
        }
        let codec = metadata.compressor.map { ZarrCodec(id: $0.id) } ?? .raw
        guard let codec else { throw .codecNotSupported(metadata.compressor?.name ?? "", path: path) }
        guard (2...5).contains(metadata.shape.count) else {
            throw .zarrFeatureNotSupported(
                "has \(metadata.shape.count) axes", advice: "write an array of two or three, z, y, x", path: path)
        }
        let axes = 1...Int(Int32.max)
        guard metadata.chunks.count == metadata.shape.count, metadata.shape.allSatisfy(axes.contains),
            metadata.chunks.allSatisfy(axes.contains)
        else {
            throw .malformedMetadata(
                "cuts an array of shape \(metadata.shape) into chunks of shape \(metadata.chunks)", path: path)
        }
        var bytes = dataType.scalarType.size
        for count in metadata.chunks {
            // Cannot overflow: `bytes` is at most 2²⁹ here, `count` less than 2³¹.
            bytes *= count
            guard bytes <= Self.chunkLimit else {
                throw VolumeError(
                    .tooLarge, "declares chunks of more than \(Self.chunkLimit >> 20) MiB; rewrite the array with smaller chunks",
                    path: path)
            }
        }
        guard metadata.order == "C" || metadata.order == "F" else {
            throw .malformedMetadata("has the order \"\(metadata.order)\" instead of C or F", path: path)
        }
        let separator = metadata.separator ?? "."
        guard separator == "." || separator == "/" else {
            throw .malformedMetadata("has the dimension_separator \"\(separator)\" instead of . or /", path: path)
        }
        guard let fill = dataType.bytes(of: metadata.fill) else {
            throw .malformedMetadata("has a fill_value that \(code) cannot hold", path: path)
        }

        let fastestFirst = metadata.order == "C" ? Array(metadata.chunks.indices.reversed()) : Array(metadata.chunks.indices)
        var strides = metadata.chunks
        var stride = 1
        for axis in fastestFirst {
            strides[axis] = stride
            stride *= metadata.chunks[axis]
        }
        self.shape = metadata.shape
        self.chunkShape = metadata.chunks
        self.dataType = dataType
        self.codec = codec
        self.fill = fill
        self.strides = strides
        self.chunkCount = stride
        self.key = key
        self.separator = separator
    }

    /// Fills memory for whole voxels with the fill value.
    func fill(_ voxels: UnsafeMutableRawBufferPointer) {
        if fill.allSatisfy({ $0 == fill[0] }) {
            voxels.initializeMemory(as: UInt8.self, repeating: fill[0])
        } else {
            for start in stride(from: 0, to: voxels.count, by: fill.count) {
                for (byte, value) in fill.enumerated() { voxels[start + byte] = value }
            }
        }
    }

    /// The key of a chunk, given its index in the grid of chunks along each axis.
    func chunkKey(_ place: [Int]) -> String {
        ZarrStore.key(place.map(String.init).joined(separator: separator), in: key)
    }
}

/// The JSON document `.zarray`.
private struct Metadata: Decodable {
    let version: Int
    let shape: [Int]
    let chunks: [Int]
    let dtype: Code
    let compressor: Codec?
    let fill: ZarrFillValue
    let order: String
    let filters: [Codec]?
    let separator: String?

    enum CodingKeys: String, CodingKey {
        case version = "zarr_format"
        case shape, chunks, dtype, compressor
        case fill = "fill_value"
        case order, filters
        case separator = "dimension_separator"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        shape = try container.decode([Int].self, forKey: .shape)
        chunks = try container.decode([Int].self, forKey: .chunks)
        dtype = try container.decode(Code.self, forKey: .dtype)
        compressor = try container.decodeIfPresent(Codec.self, forKey: .compressor)
        fill = try container.decodeIfPresent(ZarrFillValue.self, forKey: .fill) ?? .absent
        order = try container.decode(String.self, forKey: .order)
        filters = try container.decodeIfPresent([Codec].self, forKey: .filters)
        separator = try container.decodeIfPresent(String.self, forKey: .separator)
    }

    /// The type of the elements: one NumPy code, or a list of fields.
    enum Code: Decodable, CustomStringConvertible {
        case simple(String)
        case structured

        init(from decoder: any Decoder) throws {
            self = (try? decoder.singleValueContainer().decode(String.self)).map(Self.simple) ?? .structured
        }

        var description: String {
            switch self {
            case .simple(let code): code
            case .structured: "record"
            }
        }
    }

    struct Codec: Decodable {
        let id: String
        /// The compressor inside blosc, such as `lz4`; absent for other codecs.
        let cname: String?

        var name: String { cname.map { "\(id) (\($0))" } ?? id }
    }
}

/// The type of the elements of a zarr array, from its NumPy type code: `<f4`, `>i2`, `|u1`.
struct ZarrDataType: Hashable, Sendable {
    let scalarType: ScalarType
    let isBigEndian: Bool

    /// The NumPy type codes that are read. Booleans are the bytes 0 and 1.
    private static let scalarTypes: [String: ScalarType] = [
        "b1": .uint8, "u1": .uint8, "i1": .int8, "u2": .uint16, "i2": .int16, "u4": .uint32, "i4": .int32, "u8": .uint64,
        "i8": .int64,
        "f2": .float16, "f4": .float32, "f8": .float64,
    ]

    /// Returns nil if elements of this type are not read.
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

/// The fill value as the metadata spell it: the value of voxels in chunks that were never written.
enum ZarrFillValue: Decodable, Hashable, Sendable {
    /// `null`: the value is undefined; zero is used.
    case absent
    case integer(Int64)
    case unsignedInteger(UInt64)
    case number(Double)

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
            case let text: throw DecodingError.dataCorruptedError(in: container, debugDescription: text)
            }
        }
    }
}
