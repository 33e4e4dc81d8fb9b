import Basics

/// The metadata of one array of a zarr store of version 2 (`.zarray`): how its voxels are cut into chunks and stored.
///
/// Source: the zarr storage specification, version 2.
struct ZarrArray: Sendable {
    /// The number of elements along each axis, in storage order: two to five axes.
    let shape: [Int]
    /// The number of elements of a chunk along each axis. Chunks at the far edges are stored whole.
    let chunkShape: [Int]
    let dataType: ZarrDataType
    let codec: ZarrCodec
    /// The little-endian bytes of one voxel of a chunk that was never written.
    let fill: [UInt8]
    /// The distance between neighbours along each axis in a decoded chunk, in elements.
    let strides: [Int]
    /// The number of elements of a chunk.
    let chunkCount: Int
    /// The folder of the array, as a key.
    let key: String
    private let separator: String

    /// The most bytes that a decoded chunk may have.
    static let chunkLimit = 512 << 20

    /// Reads and checks the metadata of the array in a folder of a store.
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
            // At most 2²⁹ times 2³¹.
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

    /// The key of a chunk, from its place in the grid of chunks.
    func chunkKey(_ place: [Int]) -> String {
        ZarrStore.key(place.map(String.init).joined(separator: separator), in: key)
    }
}

/// `.zarray`.
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
        /// What blosc compresses with.
        let cname: String?

        var name: String { cname.map { "\(id) (\($0))" } ?? id }
    }
}
