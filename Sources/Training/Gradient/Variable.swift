public import Tensors

/// A value in a computation, and how the tape knows it.
public struct Variable {
    public let value: Tensor
    /// Its number on the tape; nil where no derivative is asked for.
    let number: Int?

    /// A value that nothing depends on: no derivative by it is computed.
    public init(_ value: Tensor) { (self.value, number) = (value, nil) }

    init(_ value: Tensor, number: Int?) { (self.value, self.number) = (value, number) }
}
