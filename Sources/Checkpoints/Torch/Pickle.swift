/// A value of a pickle of weights.
///
/// Tuples, lists, dictionaries, storages and tensors are indices of objects in a ``PickleHeap``. So no code has to walk or free
/// objects recursively, however deep a file nests them, even if an object contains itself.
enum PickleValue: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    /// An integer of more than 8 bytes, little-endian two's complement.
    case wideInteger([UInt8])
    case real(Double)
    case text(String)
    case tuple(Int)
    case list(Int)
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)
    /// An object of a training program that has nothing to do with the tensors; nothing is known of it.
    case inert
}

/// The global names (classes and functions) that a pickle may refer to. Any other name is refused; none is ever called.
enum PickleGlobal: Hashable, Sendable {
    case orderedDictionary
    case rebuildTensor
    case rebuildParameter
    case storage(ElementType)
    /// A class or function whose objects stand beside tensors in the files of training programs. It is not called: what it would
    /// return is ``PickleValue/inert``.
    case inert

    /// Nil if the name is not one of those that state dictionaries need.
    init?(module: String, name: String) {
        switch (module, name) {
        case ("collections", "OrderedDict"): self = .orderedDictionary
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", _), ("torch.cuda", _):
            guard let type = Self.storages[name] else { return nil }
            self = .storage(type)
        case _ where Self.isInert(module, name): self = .inert
        default: return nil
        }
    }

    /// Whether a name is one that PyTorch Lightning, numpy or OmegaConf leave in checkpoints: callbacks, counters, settings.
    private static func isInert(_ module: String, _ name: String) -> Bool {
        switch (module, name) {
        case ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"), ("numpy", "dtype"), ("_codecs", "encode"),
            ("typing", "Any"), ("argparse", "Namespace"), ("pathlib", "PosixPath"):
            true
        default:
            ["pytorch_lightning", "lightning", "lightning_fabric", "omegaconf"].contains {
                module == $0 || module.hasPrefix("\($0).")
            }
        }
    }

    /// The classes of storages in `torch` and `torch.cuda`, and the types of their elements.
    private static let storages: [String: ElementType] = [
        "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16, "BFloat16Storage": .bfloat16,
        "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8, "ByteStorage": .uint8,
        "BoolStorage": .boolean,
    ]
}

/// The objects of a pickle. A ``PickleValue`` refers to them by index.
struct PickleHeap: Sendable {
    struct Dictionary: Sendable {
        /// Whether it is an `OrderedDict`, which may have attributes, and not a plain dictionary.
        let isOrdered: Bool
        var pairs: [(key: PickleValue, value: PickleValue)] = []
    }

    /// A contiguous array of elements in the file, found by its key. Tensors are views of storages.
    struct Storage: Hashable, Sendable {
        let key: String
        let elementType: ElementType
        /// The number of elements.
        let count: Int
    }

    /// A tensor as a view of a storage. It is checked: every element lies in the storage, and the view has no more elements than
    /// the storage.
    struct View: Sendable {
        /// The index of the storage in the heap.
        let storage: Int
        /// The place of the first element in the storage, in elements; strides are in elements too.
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

/// The 41 instructions (opcodes) of pickles that ``Unpickler`` carries out: those that `torch.save` writes for weights.
///
/// Format: CPython, `Lib/pickletools.py`. Instructions that build objects of arbitrary classes have no case here, so they cannot
/// be carried out; `newObject` is accepted for ``PickleGlobal/inert`` classes only, and makes no object either.
enum PickleOpcode: UInt8 {
    case proto = 0x80
    case frame = 0x95
    case stop = 0x2E
    case mark = 0x28

    case none = 0x4E
    case newTrue = 0x88
    case newFalse = 0x89
    case binInt = 0x4A
    case binInt1 = 0x4B
    case binInt2 = 0x4D
    case long1 = 0x8A
    case binFloat = 0x47
    case binUnicode = 0x58
    case shortBinUnicode = 0x8C
    case binUnicode8 = 0x8D
    case binBytes = 0x42
    case shortBinBytes = 0x43
    case binString = 0x54
    case shortBinString = 0x55

    case emptyTuple = 0x29
    case tuple = 0x74
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case emptyList = 0x5D
    case append = 0x61
    case appends = 0x65
    case emptyDict = 0x7D
    case setItem = 0x73
    case setItems = 0x75

    case binPut = 0x71
    case longBinPut = 0x72
    case memoize = 0x94
    case binGet = 0x68
    case longBinGet = 0x6A

    case global = 0x63
    case stackGlobal = 0x93
    case reduce = 0x52
    case newObject = 0x81
    case build = 0x62
    case binPersId = 0x51

    /// The names of the other instructions, for error messages.
    static let refused: [UInt8: String] = [
        0x30: "POP", 0x31: "POP_MARK", 0x32: "DUP", 0x46: "FLOAT", 0x49: "INT",
        0x4C: "LONG", 0x50: "PERSID", 0x53: "STRING", 0x56: "UNICODE", 0x64: "DICT", 0x67: "GET", 0x69: "INST", 0x6C: "LIST",
        0x6F: "OBJ", 0x70: "PUT", 0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x8B: "LONG4", 0x8E: "BINBYTES8",
        0x8F: "EMPTY_SET", 0x90: "ADDITEMS", 0x91: "FROZENSET", 0x92: "NEWOBJ_EX", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER",
        0x98: "READONLY_BUFFER",
    ]
}
