import Basics

/// How the elements of a chunk become the bytes of a file, or of a part of a shard: both versions of the metadata say the same in
/// their own words.
///
/// 1. The axes are put into a stored order (version 3: `transpose`; version 2: `order`).
/// 2. The elements are written one after the other, in a byte order (version 3: `bytes`; version 2: the type's code).
/// 3. Bytes become bytes, in stages (version 3: further codecs; version 2: filters, then the compressor).
struct ZarrCodecChain: Hashable, Sendable {
    /// The axes of the array in the order in which a chunk stores them: the last varies fastest.
    let axes: [Int]
    /// The stages in the order of encoding.
    let stages: [ZarrByteCodec]
    /// The sizes before the first stage and after each.
    private let sizes: [ZarrByteCodec.Size]

    /// - Parameters:
    ///   - count: the number of bytes of a decoded chunk, at most ``ZarrArray/chunkLimit``.
    ///   - path: the file of the metadata, for messages.
    /// - Throws: ``VolumeError``, `.unsupported`, where a stage needs a library that is not installed, or there are more than
    ///   eight stages.
    init(axes: [Int], stages: [ZarrByteCodec], count: Int, path: String) throws(VolumeError) {
        for stage in stages {
            guard let library = stage.library, library.version == nil else { continue }
            throw library.missing(path: path)
        }
        // Each may double the size. No program writes so many.
        guard stages.count <= 8 else {
            throw .codecNotSupported("\(stages.count) codecs one after the other", path: path)
        }
        self.axes = axes
        self.stages = stages
        sizes = stages.reduce(into: [ZarrByteCodec.Size(count: count, isExact: true)]) { sizes, stage in
            sizes.append(stage.encodedSize(of: sizes[sizes.count - 1]))
        }
    }

    /// The number of bytes of a decoded chunk.
    var count: Int { sizes[0].count }

    /// The most bytes of an encoded chunk.
    var encodedLimit: Int { sizes[sizes.count - 1].count }

    /// The distance in elements between neighbours along each axis of the array in a decoded chunk.
    func strides(chunkShape: [Int]) -> [Int] {
        var strides = chunkShape
        var stride = 1
        for axis in axes.reversed() {
            strides[axis] = stride
            stride *= chunkShape[axis]
        }
        return strides
    }

    /// Decodes a chunk to its elements as they are stored, without a copy where there is no stage.
    ///
    /// - Throws: ``VolumeError``: what the stages throw; `.truncated` or `.malformed` where the size is another than expected.
    /// - Complexity: one pass for each stage.
    func decode(_ encoded: [UInt8], path: String) throws(VolumeError) -> [UInt8] {
        var bytes = encoded[...]
        for (stage, size) in zip(stages, sizes).reversed() { bytes = try stage.decode(bytes, to: size, path: path) }
        guard bytes.count == count else {
            let code: VolumeErrorCode = bytes.count < count ? .truncated : .malformed
            throw VolumeError(code, "has \(bytes.count) of \(count) bytes: the chunk is damaged, fetch it again", path: path)
        }
        return Array(bytes)
    }
}

/// One codec as the metadata describe it. In version 2 the keys stand beside the `id`, in version 3 inside a `configuration`.
struct ZarrCodecConfiguration: Decodable, Sendable {
    /// Without the prefix `numcodecs.`, which version 3 gives the codecs of version 2.
    let name: String
    /// The compressor inside blosc, such as `lz4`.
    let compressor: String?
    /// `shuffle`: the size of an element in bytes.
    let elementSize: Int?
    /// `crc32`, `crc32c`: `start` or `end`.
    let location: String?
    /// `bytes`: `little` or `big`.
    let endian: String?
    /// `transpose`.
    let order: Order?
    /// `sharding_indexed`.
    let chunkShape: [Int]?
    let codecs: [ZarrCodecConfiguration]?
    let indexCodecs: [ZarrCodecConfiguration]?
    let indexLocation: String?

    enum Order: Decodable, Sendable {
        case axes([Int])
        /// `C` or `F`, which early programs wrote.
        case letter(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let letter = try? container.decode(String.self) {
                self = .letter(letter)
            } else {
                self = .axes(try container.decode([Int].self))
            }
        }
    }

    private enum Key: String, CodingKey {
        case id, name, configuration
        case compressor = "cname"
        case elementSize = "elementsize"
        case location, endian, order
        case chunkShape = "chunk_shape"
        case codecs
        case indexCodecs = "index_codecs"
        case indexLocation = "index_location"
    }

    init(from decoder: any Decoder) throws {
        var values: KeyedDecodingContainer<Key>?
        var name: String
        if let short = try? decoder.singleValueContainer().decode(String.self) {
            // Version 3 allows the name alone where there is no configuration.
            name = short
        } else {
            let container = try decoder.container(keyedBy: Key.self)
            if let id = try container.decodeIfPresent(String.self, forKey: .id) {
                (name, values) = (id, container)
            } else {
                name = try container.decode(String.self, forKey: .name)
                if try container.contains(.configuration) && !container.decodeNil(forKey: .configuration) {
                    values = try container.nestedContainer(keyedBy: Key.self, forKey: .configuration)
                }
            }
        }
        if name.hasPrefix("numcodecs.") { name.removeFirst("numcodecs.".count) }
        self.name = name
        compressor = try values?.decodeIfPresent(String.self, forKey: .compressor)
        elementSize = try values?.decodeIfPresent(Int.self, forKey: .elementSize)
        location = try values?.decodeIfPresent(String.self, forKey: .location)
        endian = try values?.decodeIfPresent(String.self, forKey: .endian)
        order = try values?.decodeIfPresent(Order.self, forKey: .order)
        chunkShape = try values?.decodeIfPresent([Int].self, forKey: .chunkShape)
        codecs = try values?.decodeIfPresent([ZarrCodecConfiguration].self, forKey: .codecs)
        indexCodecs = try values?.decodeIfPresent([ZarrCodecConfiguration].self, forKey: .indexCodecs)
        indexLocation = try values?.decodeIfPresent(String.self, forKey: .indexLocation)
    }

    /// The codec as messages name it: `blosc (lz4)`.
    var description: String { compressor.map { "\(name) (\($0))" } ?? name }
}

extension ZarrByteCodec {
    /// The stages of a list of codecs.
    ///
    /// - Throws: ``VolumeError``, `.unsupported`, where a codec is not read, or blosc was built without the compressor inside.
    static func stages(_ codecs: [ZarrCodecConfiguration], path: String) throws(VolumeError) -> [ZarrByteCodec] {
        var stages: [ZarrByteCodec] = []
        for codec in codecs {
            guard let stage = ZarrByteCodec(codec) else { throw .codecNotSupported(codec.description, path: path) }
            if stage == .blosc, let library = BloscLibrary.shared, let compressor = codec.compressor,
                !library.compressors.contains(compressor)
            {
                throw .codecNotSupported(codec.description, path: path)
            }
            stages.append(stage)
        }
        return stages
    }
}
