internal import Volumes

/// The value of a semantic attribute: what a reader of the artifact needs to know, and part of its digest.
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
    var hdf5: HDF5AttributeValue {
        switch self {
        case .string(let text): .string(text)
        case .integer(let value): .integers([value], isScalar: true)
        case .real(let value): .reals([value], isScalar: true)
        case .reals(let values): .reals(values, isScalar: false)
        }
    }

    /// Returns nil for what no artifact holds.
    init?(_ value: HDF5AttributeValue?) {
        switch value {
        case .string(let text): self = .string(text)
        case .integers(let values, isScalar: true) where values.count == 1: self = .integer(values[0])
        case .reals(let values, isScalar: true) where values.count == 1: self = .real(values[0])
        case .reals(let values, isScalar: false): self = .reals(values)
        default: return nil
        }
    }

    /// What keeps the value from being stored, or nil.
    var obstacle: String? {
        switch self {
        case .string(let text) where text.utf8.contains(0): "holds a zero byte"
        case .string(let text) where text.utf8.count > HDF5File.attributeByteLimit: "is too long: keep it in a dataset"
        case .reals(let values) where values.count > HDF5File.attributeByteLimit / 8: "is too long: keep it in a dataset"
        default: nil
        }
    }
}
