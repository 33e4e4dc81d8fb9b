internal import CKernels

extension Tensor {
    /// What a thread works on at a time in operations that only read and write: 256 KiB, a fraction of its cache.
    static let chunk = 1 << 16

    private static func chunked(_ count: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
        Threads.perform((count + chunk - 1) / chunk) { index in
            body(index * chunk, min(chunk, count - index * chunk))
        }
    }

    /// The sum of two tensors of equal shape.
    public func adding(_ other: Tensor) -> Tensor {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Tensor.chunked(count) { first, count in
                    ck_sum(storage.base + first, other.storage.base + first, result + first, count)
                }
            })
    }

    /// Adds a tensor of equal shape.
    public mutating func add(_ other: Tensor) {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            Tensor.chunked(buffer.count) { first, count in ck_add(base + first, other.storage.base + first, count) }
        }
    }

    /// Adds a factor times a tensor of equal shape.
    public mutating func add(_ other: Tensor, times factor: Float) {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            let count = buffer.count
            Threads.perform((count + Tensor.chunk - 1) / Tensor.chunk) { index in
                let first = index * Tensor.chunk
                ck_accumulate(base + first, other.storage.base + first, factor, Swift.min(Tensor.chunk, count - first))
            }
        }
    }

    public func applying(_ activation: Activation) -> Tensor {
        if case .none = activation { return self }
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Tensor.chunked(count) { first, count in
                    ck_activate(storage.base + first, result + first, count, activation.kernel)
                }
            })
    }

    /// The first half of the channels, each times the GELU of its partner in the second half: `[..., 2c]` → `[..., c]`.
    public func gatedGELU() -> Tensor {
        let width = (shape.last ?? 0) / 2
        precondition(shape.last == 2 * width, "\(shape) has no two halves of channels")
        let rows = width > 0 ? count / (2 * width) : 0
        let rowsOfChunk = max(Tensor.chunk / max(2 * width, 1), 1)
        return Tensor(
            shape: shape.dropLast() + [width],
            storage: .filled(count: rows * width) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    let first = index * rowsOfChunk
                    ck_gated_gelu(
                        storage.base + first * 2 * width, result + first * width, width, min(rowsOfChunk, rows - first), width)
                }
            })
    }
    /// Derivatives by what ELU took, from those by what it gave, which this is.
    public func eluGradient(_ gradient: Tensor) -> Tensor {
        precondition(shape == gradient.shape, "\(gradient.shape) does not come of \(shape)")
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Threads.perform((count + Tensor.chunk - 1) / Tensor.chunk) { index in
                    let first = index * Tensor.chunk
                    ck_elu_gradient(
                        storage.base + first, gradient.storage.base + first, result + first,
                        Swift.min(Tensor.chunk, count - first))
                }
            })
    }
}

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
