/// What a pickle of weights is made of.
///
/// Tuples, lists and dictionaries are numbers of objects in a ``PickleHeap``: however deep a file nests them, or if it puts one into
/// itself, nothing is walked or freed recursively.
enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    /// Little-endian two's complement, of more than 8 bytes.
    case wideInteger([UInt8])
    case real(Double)
    case text(String)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
}

/// The names that a pickle may refer to. No other is looked up, let alone called.
enum PickleGlobal: Hashable, Sendable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)

    /// Nil where the name is not one of those that state dictionaries need.
    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _), ("torch.cuda", _):
            guard let type = Self.storages[name] else { return nil }
            self = .storage(type)
        default: return nil
        }
    }

    private static let storages: [String: ElementType] = [
        "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
        "BoolStorage": .boolean,
    ]
}

/// The objects of a pickle, which its values refer to by number.
struct PickleHeap: Sendable {
    struct Dictionary: Sendable {
        /// Whether it was made as an `OrderedDict`, which may have attributes.
        let isOrdered: Bool
        var pairs: [(key: PickleValue, value: PickleValue)] = []
    }

    /// Elements that lie together in the file, and are named by a key.
    struct Storage: Hashable, Sendable {
        let key: String
        let elementType: ElementType
        let count: Int
    }

    /// A view of a storage, checked: every element lies in it, and there are not more of them than it has.
    struct View: Sendable {
        let storage: Int
        let offset: Int
        let shape: [Int]
        let strides: [Int]
    }

    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    var dictionaries: [Dictionary] = []
    var storages: [Storage] = []
    var views: [View] = []

    mutating func tuple(_ values: [PickleValue]) -> PickleValue {
        tuples.append(values)
        return .tuple(tuples.count - 1)
    }

    mutating func list() -> PickleValue {
        lists.append([])
        return .list(lists.count - 1)
    }

    mutating func dictionary(isOrdered: Bool) -> PickleValue {
        dictionaries.append(Dictionary(isOrdered: isOrdered))
        return .dictionary(dictionaries.count - 1)
    }
}
