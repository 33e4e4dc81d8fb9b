internal import CKernels
import Glibc

extension Tensor {
    /// Values in one chunk of work in operations that are limited by memory bandwidth: 256 KiB, a fraction of a thread's cache.
    static let chunk = 1 << 16

    /// Calls the body for ranges of `chunk` values, on several threads.
    private static func chunked(_ count: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
        Threads.perform((count + chunk - 1) / chunk) { index in
            body(index * chunk, min(chunk, count - index * chunk))
        }
    }

    /// The element-wise sum of two tensors of equal shape. Reads both and writes one array of `count` values.
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

    /// Adds a tensor of equal shape, element by element and in place.
    public mutating func add(_ other: Tensor) {
        precondition(shape == other.shape, "\(shape) and \(other.shape) cannot be added")
        withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            Tensor.chunked(buffer.count) { first, count in ck_add(base + first, other.storage.base + first, count) }
        }
    }

    /// Adds `factor` times a tensor of equal shape, element by element and in place.
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

    /// The activation function of each value.
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

    /// The ReLU of values in their place: max(0, x), NaN of NaN.
    static func rectify(_ values: UnsafeMutablePointer<Float>, count: Int) {
        chunked(count) { first, count in ck_activate(values + first, values + first, count, Activation.relu.kernel) }
    }

    /// GEGLU (Shazeer, 2020): x[c] · GELU(x[C/2 + c]) over the two halves of the last axis, `[…, C]` → `[…, C / 2]`.
    ///
    /// - Precondition: the last axis has an even length.
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
    /// The gradient of ELU with respect to its input. `self` is ELU's result y (not its input): the derivative is 1 where y > 0
    /// and y + 1 elsewhere.
    ///
    /// - Parameter gradient: the gradient with respect to y, of y's shape.
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

extension Tensor {
    /// The softmax over the last axis, e^x_c / Σ_d e^x_d, in the same shape. The largest value of a row is subtracted first, so that
    /// nothing overflows.
    public func softmax() -> Tensor {
        let columns = shape.last ?? 1
        let rows = count / Swift.max(columns, 1)
        let rowsOfTask = Swift.max(Tensor.chunk / Swift.max(columns, 1), 1)
        return Tensor(
            shape: shape,
            storage: .filled(count: count) { result in
                Threads.perform((rows + rowsOfTask - 1) / rowsOfTask) { task in
                    for row in task * rowsOfTask..<Swift.min((task + 1) * rowsOfTask, rows) {
                        let (x, result) = (storage.base + row * columns, result + row * columns)
                        var largest = -Float.infinity
                        for column in 0..<columns { largest = Swift.max(largest, x[column]) }
                        var sum: Float = 0
                        for column in 0..<columns {
                            result[column] = exp(x[column] - largest)
                            sum += result[column]
                        }
                        for column in 0..<columns { result[column] /= sum }
                    }
                }
            })
    }
}

/// The activation functions between layers, element by element.
public enum Activation: Sendable {
    /// x
    case none
    /// max(x, 0)
    case relu
    /// x, or e^x − 1 where that is negative
    case elu
    /// x / (1 + e^−x)
    case silu
    /// x Φ(x), with Φ from the error function, not from the tanh approximation
    case gelu
    /// x / (1 + e^−1.702x), with which CLIP was trained
    case quickGELU

    /// The function's number in `CKernels`.
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

    /// Whether `ck_scale_shift` can apply it in the same pass over the values.
    var isFusedWithScaling: Bool {
        switch self {
        case .none, .relu, .silu: true
        default: false
        }
    }
}
