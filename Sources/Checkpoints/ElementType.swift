/// How a file stores the elements of a tensor; the raw value is the name in safetensors files.
public enum ElementType: String, Hashable, Sendable, CaseIterable {
    case float64 = "F64"
    case float32 = "F32"
    /// IEEE 754 half.
    case float16 = "F16"
    /// The upper half of a float32.
    case bfloat16 = "BF16"
    case int64 = "I64"
    case int32 = "I32"
    case int16 = "I16"
    case int8 = "I8"
    case uint8 = "U8"
    /// One byte each, 0 or 1.
    case boolean = "BOOL"

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .boolean: 1
        }
    }

    /// Whether its values are floats, which can be read as float32.
    public var isFloat: Bool {
        switch self {
        case .float64, .float32, .float16, .bfloat16: true
        case .int64, .int32, .int16, .int8, .uint8, .boolean: false
        }
    }
}
