internal import CKernels

/// The functions between layers.
public enum Activation: Sendable {
    case none
    /// max(x, 0)
    case relu
    /// x, or e^x − 1 where that is negative
    case elu
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
        case .elu: Int32(CK_ELU)
        case .silu: Int32(CK_SILU)
        case .gelu: Int32(CK_GELU)
        case .quickGELU: Int32(CK_QUICK_GELU)
        }
    }

    /// Whether the loop that scales and moves channels applies it as it goes.
    var isFusedWithScaling: Bool {
        switch self {
        case .none, .relu, .silu: true
        default: false
        }
    }
}
