/// An open file of named tensors in either format.
public enum TensorFile: Sendable {
    /// A safetensors file.
    case safetensors(SafetensorsFile)
    /// A file of `torch.save`.
    case torch(TorchFile)

    /// Opens a file, as a file of `torch.save` if its first bytes are those of an archive or a pickle, otherwise as safetensors.
    ///
    /// - Throws: ``CheckpointError`` if the file cannot be read, is of neither format, or is damaged.
    public init(path: String) throws(CheckpointError) {
        let file = try MappedFile(path: path)
        if try TorchFile.format(of: file) != nil {
            self = .torch(try TorchFile(file))
        } else {
            self = .safetensors(try SafetensorsFile(file))
        }
    }

    /// The header entries of all tensors: in the order of their bytes in safetensors files, by name in files of `torch.save`.
    public var tensors: [TensorEntry] {
        switch self {
        case .safetensors(let file): file.tensors
        case .torch(let file): file.tensors
        }
    }

    /// The strings of a safetensors header (`__metadata__`); empty for files of `torch.save`.
    public var metadata: [String: String] {
        switch self {
        case .safetensors(let file): file.metadata
        case .torch: [:]
        }
    }

    var file: MappedFile {
        switch self {
        case .safetensors(let file): file.file
        case .torch(let file): file.file
        }
    }
}

/// The name, type, shape and place of one tensor in a file.
public struct TensorEntry: Hashable, Sendable {
    /// The name in the file, as in a network's `state_dict()`.
    public let name: String
    /// How the elements are stored.
    public let elementType: ElementType
    /// The extents, outermost axis first; empty for a scalar.
    public let shape: [Int]
    /// The bytes that hold the elements, as offsets from the beginning of the file. For a strided view they include the gaps.
    public let byteRange: Range<Int>
    /// The distance, in elements, from one index of each axis to the next; nil if the elements are row-major without gaps.
    public let strides: [Int]?

    init(name: String, elementType: ElementType, shape: [Int], byteRange: Range<Int>, strides: [Int]? = nil) {
        (self.name, self.elementType, self.shape) = (name, elementType, shape)
        (self.byteRange, self.strides) = (byteRange, strides)
    }

    /// The number of elements.
    public var count: Int {
        strides == nil ? byteRange.count / elementType.byteCount : shape.reduce(1, *)
    }

    /// The bytes that a row-major tensor of this shape takes; nil if the number overflows or an extent is negative.
    static func byteCount(_ shape: [Int], _ elementType: ElementType) -> Int? {
        var count = elementType.byteCount
        var isEmpty = false
        for extent in shape {
            guard extent >= 0 else { return nil }
            // Do not return 0 here: extents that overflow are refused even if another extent is 0.
            if extent == 0 {
                isEmpty = true
                continue
            }
            let (product, overflows) = count.multipliedReportingOverflow(by: extent)
            guard !overflows else { return nil }
            count = product
        }
        return isEmpty ? 0 : count
    }
}

/// How a file stores the elements of a tensor, little-endian. The raw value is the name (`dtype`) in safetensors files.
public enum ElementType: String, Hashable, Sendable {
    /// IEEE 754 double precision.
    case float64 = "F64"
    /// IEEE 754 single precision.
    case float32 = "F32"
    /// IEEE 754 half precision.
    case float16 = "F16"
    /// The upper 16 bits of a float32.
    case bfloat16 = "BF16"
    /// A signed integer of 8 bytes.
    case int64 = "I64"
    /// A signed integer of 4 bytes.
    case int32 = "I32"
    /// A signed integer of 2 bytes.
    case int16 = "I16"
    /// A signed byte.
    case int8 = "I8"
    /// An unsigned byte.
    case uint8 = "U8"
    /// One byte each, 0 or 1.
    case boolean = "BOOL"

    /// The size of one element in bytes.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .boolean: 1
        }
    }

    /// Whether the elements are floats, which ``Checkpoint/tensor(named:expecting:)`` reads as float32.
    public var isFloat: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        case .int64, .int32, .int16, .int8, .uint8, .boolean: false
        }
    }
}
