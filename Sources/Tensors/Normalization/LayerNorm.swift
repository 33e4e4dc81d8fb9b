internal import CKernels

/// Layer normalisation (Ba, Kiros and Hinton, 2016): each token's channels get mean 0 and variance 1, then each channel
/// its weight and bias.
public struct LayerNorm: Sendable {
    public let epsilon: Float
    private let weight: Tensor
    private let bias: Tensor?

    /// - Precondition: weight and bias hold one value for each channel.
    public init(epsilon: Float, weight: Tensor, bias: Tensor?) {
        precondition(bias.map { $0.count == weight.count } ?? true, "a bias for other channels than the weights'")
        (self.epsilon, self.weight, self.bias) = (epsilon, weight, bias)
    }

    /// - Parameter x: `[…, C]`.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        let channels = weight.count
        precondition(x.shape.last == channels, "\(x.shape) has not the \(channels) channels of this layer")
        let rows = channels > 0 ? x.count / channels : 0
        let rowsOfChunk = max(Tensor.chunk / max(channels, 1), 1)
        return Tensor(
            shape: x.shape,
            storage: .filled(count: x.count) { result in
                Threads.perform((rows + rowsOfChunk - 1) / rowsOfChunk) { index in
                    let first = index * rowsOfChunk * channels
                    ck_layer_norm(
                        x.storage.base + first, result + first, min(rowsOfChunk, rows - index * rowsOfChunk), channels, epsilon,
                        weight.storage.base, bias?.storage.base)
                }
            })
    }
}
