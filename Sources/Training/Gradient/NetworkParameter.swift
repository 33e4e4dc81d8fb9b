public import Tensors

/// An array that a network learns, or keeps beside (running moments), by the name that checkpoints have for it.
public final class NetworkParameter {
    /// As PyTorch would call it: `encoder.0.convolution.1.weight`.
    public let name: String
    public var value: Tensor
    /// The sum of the derivatives of the losses since it was cleared.
    public var gradient: Tensor?

    public init(_ name: String, _ value: Tensor) { (self.name, self.value) = (name, value) }

    func accumulate(_ gradient: Tensor) {
        if self.gradient == nil { self.gradient = gradient } else { self.gradient?.add(gradient) }
    }
}
