public import Tensors

/// A network that tells, voxel by voxel, what a tomogram shows.
public protocol Network: AnyObject {
    /// What it takes to make it again.
    var architecture: NetworkArchitecture { get }

    /// What is learned, in a fixed order.
    var parameters: [NetworkParameter] { get }

    /// What is kept beside: running moments.
    var buffers: [NetworkParameter] { get }

    /// `[N, D, H, W, 1]` → logits, `[N, D, H, W, outputs]`. Lengths are multiples of ``NetworkArchitecture/alignment``.
    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable
}

extension Network {
    /// Parameters and buffers: what a checkpoint holds.
    public var state: [NetworkParameter] { parameters + buffers }

    /// Logits, in inference.
    public func logits(_ x: Tensor) -> Tensor { self(Variable(x), on: Tape(recording: false)).value }

    public func clearGradients() { for parameter in parameters { parameter.gradient = nil } }
}
