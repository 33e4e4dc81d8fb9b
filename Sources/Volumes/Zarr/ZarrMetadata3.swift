import Basics

/// The JSON document `zarr.json` of an array: its metadata in zarr version 3.
///
/// Source: the zarr core specification, version 3.1, with the codec `sharding_indexed`.
struct ZarrMetadata3: Decodable {
    private let version: Int
    private let node: String
    private let shape: [Int]
    private let dataType: Name
    private let grid: Grid
    private let encoding: Encoding
    private let fill: ZarrFillValue
    private let codecs: [ZarrCodecConfiguration]
    private let names: [String?]?
    private let transformers: [Name]?

    private enum CodingKeys: String, CodingKey {
        case version = "zarr_format"
        case node = "node_type"
        case shape
        case dataType = "data_type"
        case grid = "chunk_grid"
        case encoding = "chunk_key_encoding"
        case fill = "fill_value"
        case codecs
        case names = "dimension_names"
        case transformers = "storage_transformers"
    }

    /// A name, alone or with a configuration, which is not read.
    private struct Name: Decodable {
        let name: String

        init(from decoder: any Decoder) throws {
            if let name = try? decoder.singleValueContainer().decode(String.self) {
                self.name = name
            } else {
                name = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .name)
            }
        }

        private enum Key: String, CodingKey { case name }
    }

    private struct Grid: Decodable {
        let name: String
        let configuration: Configuration?

        struct Configuration: Decodable {
            let shape: [Int]?

            enum CodingKeys: String, CodingKey { case shape = "chunk_shape" }
        }
    }

    private struct Encoding: Decodable {
        let name: String
        let separator: String?

        init(from decoder: any Decoder) throws {
            if let name = try? decoder.singleValueContainer().decode(String.self) {
                (self.name, separator) = (name, nil)
            } else {
                let container = try decoder.container(keyedBy: Key.self)
                name = try container.decode(String.self, forKey: .name)
                separator = try container.decodeIfPresent(Configuration.self, forKey: .configuration)?.separator
            }
        }

        private struct Configuration: Decodable { let separator: String? }

        private enum Key: String, CodingKey { case name, configuration }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        node = try container.decode(String.self, forKey: .node)
        shape = try container.decode([Int].self, forKey: .shape)
        dataType = try container.decode(Name.self, forKey: .dataType)
        grid = try container.decode(Grid.self, forKey: .grid)
        encoding = try container.decode(Encoding.self, forKey: .encoding)
        fill = try container.decodeIfPresent(ZarrFillValue.self, forKey: .fill) ?? .absent
        codecs = try container.decode([ZarrCodecConfiguration].self, forKey: .codecs)
        names = try container.decodeIfPresent([String?].self, forKey: .names)
        transformers = try container.decodeIfPresent([Name].self, forKey: .transformers)
    }

    /// The checked metadata.
    ///
    /// - Parameters:
    ///   - key: the array's folder.
    ///   - path: the file of the document, for messages.
    /// - Throws: ``VolumeError`` as ``ZarrArray/init(key:in:)`` does.
    func array(key: String, path: String) throws(VolumeError) -> ZarrArray {
        guard version == 3, node == "array" else {
            throw .malformedMetadata("describes a \(node) of zarr_format \(version), not an array of version 3", path: path)
        }
        guard let scalarType = ZarrDataType.scalarType(named: dataType.name) else {
            throw .zarrFeatureNotSupported(
                "has elements of type \(dataType.name)", advice: "write integers or floating-point numbers", path: path)
        }
        guard grid.name == "regular", let fileShape = grid.configuration?.shape else {
            throw .zarrFeatureNotSupported(
                "has the chunk grid \(grid.name)", advice: "write it with chunks of one shape", path: path)
        }
        if let transformer = transformers?.first {
            throw .zarrFeatureNotSupported(
                "has the storage transformer \(transformer.name)", advice: "write it without", path: path)
        }
        try ZarrArray.check(shape: shape, chunkShape: fileShape, path: path)
        let layout = try ZarrLayout(codecs, axes: Array(shape.indices), elementSize: scalarType.size, path: path)
        let type = ZarrDataType(scalarType, isBigEndian: layout.isBigEndian)
        guard let fill = type.bytes(of: fill) else {
            throw .malformedMetadata("has a fill_value that \(dataType.name) cannot hold", path: path)
        }
        let sharding = try layout.shard.map { (shard) throws(VolumeError) in
            try ZarrSharding(shard, axes: layout.outerAxes, shardShape: fileShape, path: path)
        }
        let chunkShape = sharding?.chunkShape ?? fileShape
        let count = try ZarrArray.byteCount(ofChunk: chunkShape, elementSize: scalarType.size, path: path)
        return ZarrArray(
            shape: shape, chunkShape: chunkShape, dataType: type, fill: fill,
            chain: try ZarrCodecChain(axes: layout.axes, stages: layout.stages, count: count, path: path), sharding: sharding,
            dimensionNames: names.flatMap { names in
                let known = names.compactMap(\.self)
                return known.count == shape.count ? known : nil
            },
            files: try fileGrid(fileShape: fileShape, folder: key, path: path))
    }

    private func fileGrid(fileShape: [Int], folder: String, path: String) throws(VolumeError) -> ZarrFileGrid {
        let isDefault = encoding.name == "default"
        guard isDefault || encoding.name == "v2" else {
            throw .zarrFeatureNotSupported(
                "has the chunk key encoding \(encoding.name)", advice: "write it with the encoding default", path: path)
        }
        let separator = encoding.separator ?? (isDefault ? "/" : ".")
        guard separator == "." || separator == "/" else {
            throw .malformedMetadata("has the separator \"\(separator)\" of chunk keys instead of . or /", path: path)
        }
        return ZarrFileGrid(
            shape: shape, fileShape: fileShape, folder: folder, prefix: isDefault ? "c" : nil, separator: separator)
    }
}

/// What a list of codecs of version 3 says: the order of the axes, the byte order, the stages, and whether files are shards.
private struct ZarrLayout {
    /// The axes of the array in stored order, after all transpositions.
    private(set) var axes: [Int]
    /// The same in the order in which a shard stores its chunks.
    private(set) var outerAxes: [Int]
    private(set) var isBigEndian = false
    private(set) var stages: [ZarrByteCodec] = []
    /// The codec `sharding_indexed`.
    private(set) var shard: ZarrCodecConfiguration?

    init(_ codecs: [ZarrCodecConfiguration], axes: [Int], elementSize: Int, path: String) throws(VolumeError) {
        (self.axes, outerAxes) = (axes, axes)
        let rest = try transpose(codecs[...], path: path)
        guard rest.first?.name == "sharding_indexed", let shard = rest.first else {
            try readBytes(rest, elementSize: elementSize, path: path)
            return
        }
        guard rest.count == 1 else {
            throw .codecNotSupported("\(rest.dropFirst().map(\.description).joined(separator: ", ")) after sharding", path: path)
        }
        guard let inner = shard.codecs else { throw .malformedMetadata("has a shard without codecs", path: path) }
        self.shard = shard
        outerAxes = self.axes
        let innerRest = try transpose(inner[...], path: path)
        guard innerRest.first?.name != "sharding_indexed" else { throw .codecNotSupported("shards inside shards", path: path) }
        try readBytes(innerRest, elementSize: elementSize, path: path)
    }

    /// Follows the transpositions at the beginning of a list, and returns the rest.
    private mutating func transpose(
        _ codecs: ArraySlice<ZarrCodecConfiguration>, path: String
    ) throws(VolumeError) -> ArraySlice<ZarrCodecConfiguration> {
        var rest = codecs
        while let codec = rest.first, codec.name == "transpose" {
            let order: [Int]? =
                switch codec.order {
                case .axes(let order): order
                case .letter("C"): Array(axes.indices)
                case .letter("F"): axes.indices.reversed()
                case .letter, nil: nil
                }
            guard let order, order.sorted() == Array(axes.indices) else {
                throw .malformedMetadata("transposes by no order of its \(axes.count) axes", path: path)
            }
            axes = order.map { axes[$0] }
            rest = rest.dropFirst()
        }
        return rest
    }

    /// Reads the codec `bytes` and the stages after it.
    private mutating func readBytes(
        _ codecs: ArraySlice<ZarrCodecConfiguration>, elementSize: Int, path: String
    ) throws(VolumeError) {
        guard let bytes = codecs.first, bytes.name == "bytes" || bytes.name == "endian" else {
            throw .codecNotSupported(codecs.first?.description ?? "none at all", path: path)
        }
        // Programs that leave the byte order out mean the machine's, which is little-endian wherever they run.
        switch bytes.endian ?? "little" {
        case "little": isBigEndian = false
        case "big": isBigEndian = elementSize > 1
        case let endian: throw .malformedMetadata("has the byte order \"\(endian)\" instead of little or big", path: path)
        }
        stages = try ZarrByteCodec.stages(Array(codecs.dropFirst()), path: path)
    }
}
