public import Basics
public import Volumes

/// The description of one dataset of an artifact.
public struct DatasetDescription: Sendable, Hashable {
    /// The name of the dataset in the root group.
    public let name: String
    /// The type of its elements.
    public let scalarType: ScalarType
    /// The number of elements along each axis, slowest first. An axis may be empty.
    public let shape: [Int]
    /// The SHA-256 of all elements as little-endian bytes, slowest axis first.
    public let payloadDigest: Digest
    /// The semantic attributes of the dataset.
    public let attributes: [String: AttributeValue]
}

extension DatasetDescription {
    /// The number of bytes of a row: all elements with one index along the first axis.
    var rowByteCount: Int { Array(shape.dropFirst()).byteCount(of: scalarType) ?? 0 }
}

/// The content of an artifact that its digest covers: kind, attributes, and the description of each dataset. `Schema/blobs.md`
/// specifies the format.
struct ArtifactManifest: Hashable {
    var kind: String
    var attributes: [String: AttributeValue]
    /// The datasets, sorted by the bytes of their names.
    var datasets: [DatasetDescription]

    /// The beginning of the hashed bytes, and the value of the attribute that marks a file as an artifact.
    static let format = "cellar artifact 1"

    /// The logical digest: the SHA-256 over the content, independent of chunks, compression and file bytes.
    var digest: Digest {
        var hash = SHA256()
        hash.update("\(Self.format)\n".utf8)
        hash.combine(kind)
        hash.combine(attributes)
        hash.combine(datasets.count)
        for dataset in datasets {
            hash.combine(dataset.name)
            hash.combine(dataset.scalarType.rawValue)
            hash.combine(dataset.shape.count)
            for axis in dataset.shape { hash.combine(axis) }
            hash.update(dataset.payloadDigest.bytes)
            hash.combine(dataset.attributes)
        }
        return hash.digest
    }
}

extension ArtifactManifest {
    /// Whether a string is a valid name of a kind, a dataset or an attribute: a letter or digit, then letters, digits, `_`,
    /// `-` and `.`, at most 100 bytes in all, without the prefix `cellar_`, which is reserved.
    static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 100, !name.hasPrefix(reservedPrefix) else { return false }
        func isAlphanumeric(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"):
                true
            default: false
            }
        }
        return isAlphanumeric(first) && name.utf8.allSatisfy { isAlphanumeric($0) || "_-.".utf8.contains($0) }
    }

    // The attributes of the format itself. The digest covers their values, but does not hash them as attributes.
    private static let reservedPrefix = "cellar_"
    static let formatAttribute = "cellar_format"
    static let kindAttribute = "cellar_kind"
    static let payloadAttribute = "cellar_sha256"
}

extension SHA256 {
    fileprivate mutating func combine(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: UInt64(truncatingIfNeeded: number).littleEndian) { update($0) }
    }

    fileprivate mutating func combine(_ text: String) {
        combine(text.utf8.count)
        update(Array(text.utf8))
    }

    fileprivate mutating func combine(_ attributes: [String: AttributeValue]) {
        combine(attributes.count)
        for (name, value) in attributes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            combine(name)
            switch value {
            case .string(let text):
                update([UInt8(ascii: "s")])
                combine(text)
            case .integer(let value):
                update([UInt8(ascii: "i")])
                combine(value)
            case .real(let value):
                update([UInt8(ascii: "d")])
                combine(value.bitPattern)
            case .reals(let values):
                update([UInt8(ascii: "a")])
                combine(values.count)
                for value in values { combine(value.bitPattern) }
            }
        }
    }
}

/// The value of a semantic attribute. Semantic attributes tell how to read an artifact and are part of its digest.
public enum AttributeValue: Sendable, Hashable {
    /// UTF-8 text without a zero byte.
    case string(String)
    case integer(Int64)
    case real(Double)
    case reals([Double])
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByArrayLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .real(value) }
    public init(arrayLiteral elements: Double...) { self = .reals(elements) }
}

extension AttributeValue {
    /// The value as HDF5 stores it.
    var hdf5: HDF5AttributeValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let value): .integers([value], isScalar: true)
        case .real(let value): .reals([value], isScalar: true)
        case .reals(let values): .reals(values, isScalar: false)
        }
    }

    /// Converts an attribute of an HDF5 file; nil for types that artifacts do not have.
    init?(_ value: HDF5AttributeValue?) {
        switch value {
        case .string(let text): self = .string(text)
        case .integers(let values, isScalar: true) where values.count == 1: self = .integer(values[0])
        case .reals(let values, isScalar: true) where values.count == 1: self = .real(values[0])
        case .reals(let values, isScalar: false): self = .reals(values)
        default: return nil
        }
    }

    /// The reason why the value cannot be stored, as the end of a sentence; nil where it can.
    var obstacle: String? {
        switch self {
        case .string(let text) where text.utf8.contains(0): "holds a zero byte"
        case .string(let text) where text.utf8.count > HDF5File.attributeByteLimit: "is too long: keep it in a dataset"
        case .reals(let values) where values.count > HDF5File.attributeByteLimit / 8: "is too long: keep it in a dataset"
        default: nil
        }
    }
}

extension ArtifactManifest {
    /// Reads the manifest of an open file. Checks that each dataset has an allowed type, and that all of its chunks are stored.
    ///
    /// - Returns: the manifest and the open datasets by name.
    /// - Throws: ``BlobError`` where the file cannot be read or is no artifact.
    static func read(from file: HDF5File) throws(BlobError) -> (ArtifactManifest, [String: HDF5Dataset]) {
        do throws(HDF5Error) {
            var root = try attributes(of: file)
            guard root.removeValue(forKey: formatAttribute) == .string(format) else {
                throw HDF5Error(damage: "it is no artifact of this format", path: file.path)
            }
            guard case .string(let kind)? = root.removeValue(forKey: kindAttribute) else {
                throw HDF5Error(damage: "it does not say its kind", path: file.path)
            }
            var datasets: [String: HDF5Dataset] = [:]
            var descriptions: [DatasetDescription] = []
            // HDF5 lists names sorted by their bytes.
            for name in try file.rootLinks() {
                guard file.isHardLink(name) else { throw HDF5Error(damage: "'\(name)' is a link", path: file.path) }
                let dataset = try HDF5Dataset.open(name, in: file)
                descriptions.append(try describe(dataset, name: name))
                datasets[name] = dataset
            }
            return (ArtifactManifest(kind: kind, attributes: root, datasets: descriptions), datasets)
        } catch {
            throw .reading(error)
        }
    }

    private static func describe(_ dataset: HDF5Dataset, name: String) throws(HDF5Error) -> DatasetDescription {
        guard case .scalar(let scalarType, isExact: true) = dataset.elementType,
            let byteCount = dataset.shape.byteCount(of: scalarType)
        else { throw HDF5Error(damage: "\(dataset.name) is of another type or shape than artifacts have", path: dataset.path) }
        var attributes = try attributes(of: dataset)
        guard case .string(let text)? = attributes.removeValue(forKey: payloadAttribute),
            let payloadDigest = Digest(hexadecimal: text)
        else { throw HDF5Error(damage: "\(dataset.name) does not say its digest", path: dataset.path) }
        if byteCount > 0 {
            guard let grid = ChunkGrid(dataset), try dataset.storedChunkCount() == grid.chunkCount else {
                throw HDF5Error(damage: "\(dataset.name) is not stored whole, in chunks", path: dataset.path)
            }
        }
        return DatasetDescription(
            name: name, scalarType: scalarType, shape: dataset.shape, payloadDigest: payloadDigest, attributes: attributes)
    }

    private static func attributes(of object: some HDF5Object) throws(HDF5Error) -> [String: AttributeValue] {
        var attributes: [String: AttributeValue] = [:]
        for name in try object.attributeNames() {
            guard let value = AttributeValue(try object.readAttribute(name)) else {
                throw HDF5Error(
                    damage: "the attribute '\(name)' of \(object.name) is of no type that artifacts have", path: object.path)
            }
            attributes[name] = value
        }
        return attributes
    }
}

extension HDF5Error {
    /// An error for a file that HDF5 can read, but that is not an artifact as `ArtifactWriter` writes it.
    init(damage: String, path: String) {
        self.init("the artifact is damaged", reason: damage, path: path)
    }
}
