import Basics

/// The JSON document `.zarray`: the metadata of an array of zarr version 2.
///
/// Source: the zarr storage specification, version 2.
struct ZarrMetadata2: Decodable {
    private let version: Int
    private let shape: [Int]
    private let chunks: [Int]
    private let dtype: Code
    private let compressor: ZarrCodecConfiguration?
    private let fill: ZarrFillValue
    private let order: String
    private let filters: [ZarrCodecConfiguration]?
    private let separator: String?

    private enum CodingKeys: String, CodingKey {
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
        compressor = try container.decodeIfPresent(ZarrCodecConfiguration.self, forKey: .compressor)
        fill = try container.decodeIfPresent(ZarrFillValue.self, forKey: .fill) ?? .absent
        order = try container.decode(String.self, forKey: .order)
        filters = try container.decodeIfPresent([ZarrCodecConfiguration].self, forKey: .filters)
        separator = try container.decodeIfPresent(String.self, forKey: .separator)
    }

    /// The type of the elements: one NumPy code, or a list of fields.
    private enum Code: Decodable, CustomStringConvertible {
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

    /// The checked metadata.
    ///
    /// - Parameters:
    ///   - key: the array's folder.
    ///   - path: the file of the document, for messages.
    /// - Throws: ``VolumeError`` as ``ZarrArray/init(key:in:)`` does.
    func array(key: String, path: String) throws(VolumeError) -> ZarrArray {
        guard version == 2 else {
            throw .zarrFeatureNotSupported("has zarr_format \(version) in .zarray", advice: "write it as version 2", path: path)
        }
        guard case .simple(let code) = dtype, let dataType = ZarrDataType(code: code) else {
            throw .zarrFeatureNotSupported(
                "has elements of type \(dtype)", advice: "write integers or floating-point numbers", path: path)
        }
        let stages = try ZarrByteCodec.stages((filters ?? []) + [compressor].compactMap(\.self), path: path)
        try ZarrArray.check(shape: shape, chunkShape: chunks, path: path)
        let count = try ZarrArray.byteCount(ofChunk: chunks, elementSize: dataType.scalarType.size, path: path)
        guard order == "C" || order == "F" else {
            throw .malformedMetadata("has the order \"\(order)\" instead of C or F", path: path)
        }
        let separator = separator ?? "."
        guard separator == "." || separator == "/" else {
            throw .malformedMetadata("has the dimension_separator \"\(separator)\" instead of . or /", path: path)
        }
        guard let fill = dataType.bytes(of: fill) else {
            throw .malformedMetadata("has a fill_value that \(code) cannot hold", path: path)
        }
        let axes = Array(shape.indices)
        return ZarrArray(
            shape: shape, chunkShape: chunks, dataType: dataType, fill: fill,
            chain: try ZarrCodecChain(axes: order == "C" ? axes : axes.reversed(), stages: stages, count: count, path: path),
            sharding: nil, dimensionNames: nil,
            files: ZarrFileGrid(shape: shape, fileShape: chunks, folder: key, prefix: nil, separator: separator))
    }
}
