/// A linear (fully connected) layer: y = x Wᵀ + b over the last axis.
public struct Linear: Sendable {
    /// Channels of the input.
    public let inputs: Int
    /// Channels of the result.
    public let outputs: Int
    private let weight: PackedMatrix
    private let bias: Tensor?

    /// Creates the layer. The weight is copied into the order that the inner kernel reads.
    ///
    /// - Parameters:
    ///   - weight: W, `[outputs, inputs]`.
    ///   - bias: b, `[outputs]`, or nil for none.
    /// - Precondition: the bias, if any, has `outputs` values.
    public init(weight: Tensor, bias: Tensor?) {
        precondition(weight.shape.count == 2, "\(weight.shape) is no matrix")
        precondition(bias.map { $0.count == weight.shape[0] } ?? true, "a bias that does not fit \(weight.shape)")
        (outputs, inputs) = (weight.shape[0], weight.shape[1])
        self.weight = PackedMatrix(weight, columns: outputs, inputs: inputs, taps: 1)
        self.bias = bias
    }

    /// `[…, inputs]` → `[…, outputs]`
    ///
    /// - Complexity: 2 · inputs · outputs operations for each row.
    public func callAsFunction(_ x: Tensor) -> Tensor { apply(to: x, residual: nil) }

    /// The layer's result plus `residual`, which has the result's shape `[…, outputs]`.
    public func callAsFunction(_ x: Tensor, addingTo residual: Tensor) -> Tensor { apply(to: x, residual: residual) }

    /// Linear layer followed by GEGLU, `self(x).gatedGELU()`: `[…, inputs]` → `[…, outputs / 2]`. The intermediate array
    /// `[…, outputs]` is not written where `outputs` is a multiple of 64.
    public func gatedGELU(_ x: Tensor) -> Tensor {
        guard outputs % (2 * PackedMatrix.panelWidth) == 0 else { return apply(to: x, residual: nil).gatedGELU() }
        precondition(x.shape.last == inputs, "\(x.shape) has not the \(inputs) channels of this layer")
        let leading = Array(x.shape.dropLast())
        let rows = Tensor.count(of: leading)
        return Tensor(
            shape: leading + [outputs / 2],
            storage: .filled(count: rows * (outputs / 2)) { result in
                weight.multiplyGatedGELU(rows: rows, x.storage.base, stride: inputs, bias: bias, into: result)
            })
    }

    private func apply(to x: Tensor, residual: Tensor?) -> Tensor {
        precondition(x.shape.last == inputs, "\(x.shape) has not the \(inputs) channels of this layer")
        let shape = Array(x.shape.dropLast()) + [outputs]
        precondition(residual.map { $0.shape == shape } ?? true, "a residual that does not fit \(shape)")
        let rows = Tensor.count(of: x.shape.dropLast())
        return Tensor(
            shape: shape,
            storage: .filled(count: rows * outputs) { result in
                weight.multiply(
                    rows: rows, x.storage.base, stride: inputs, bias: bias,
                    adding: residual.map { UnsafePointer($0.storage.base) }, into: result)
            })
    }
}
