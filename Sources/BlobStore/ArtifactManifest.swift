public import Basics
public import Volumes

/// What an artifact says of one of its datasets.
public struct DatasetDescription: Sendable, Hashable {
    public let name: String
    public let scalarType: ScalarType
    /// The number of elements along each axis, slowest first. An axis may be empty.
    public let shape: [Int]
    /// The SHA-256 of all elements as little-endian bytes, slowest axis first.
    public let payloadDigest: Digest
    /// The semantic attributes.
    public let attributes: [String: AttributeValue]
}

extension DatasetDescription {
    /// The number of bytes of an element of the first axis.
    var rowByteCount: Int { Array(shape.dropFirst()).byteCount(of: scalarType) ?? 0 }
}

/// Everything that an artifact says: what its digest stands for. `Schema/blobs.md` is the law.
struct ArtifactManifest: Hashable {
    var kind: String
    var attributes: [String: AttributeValue]
    /// In the order of their names' bytes.
    var datasets: [DatasetDescription]

    /// The first words of what is hashed, and the value of the attribute that marks a file as an artifact.
    static let format = "cellar artifact 1"

    /// The logical digest: over what is said, not how it is stored.
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
    /// Whether a string can name a kind, a dataset or an attribute: a letter or digit, then letters, digits, `_`,
    /// `-` and `.`, at most 100 bytes in all, not beginning with the prefix of the format's own names.
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

    // The format's own attributes, which the digest does not cover as such.
    static let reservedPrefix = "cellar_"
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
