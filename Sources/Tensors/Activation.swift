internal import CKernels

/// The functions between layers.
public enum Activation: Sendable {
    case none
    /// max(x, 0)
    case relu
    /// x / (1 + e^−x)
    case silu
    /// x Φ(x), with the error function itself rather than the tanh that approximates it
    case gelu
    /// x / (1 + e^−1.702x), as CLIP was trained with
    case quickGELU

    var kernel: Int32 {
        switch self {
        case .none: Int32(CK_NONE)
        case .relu: Int32(CK_RELU)
        case .silu: Int32(CK_SILU)
        case .gelu: Int32(CK_GELU)
        case .quickGELU: Int32(CK_QUICK_GELU)
        }
    }
}
