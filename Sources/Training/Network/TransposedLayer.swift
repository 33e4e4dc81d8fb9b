import Tensors

/// A transposed convolution with a bias, whose weights have PyTorch's shape, `[inputs, outputs, …]`.
struct TransposedLayer {
    /// From the result back.
    private let layer: Convolution3D
    private let weight: NetworkParameter
    private let bias: NetworkParameter

    /// - Parameters:
    ///   - layer: what takes the result back: its outputs are the channels of what is given.
    ///   - overlap: how many of the kernel's taps meet in a voxel of the result, for the size of first weights.
    init(_ name: String, _ layer: Convolution3D, overlap: Int, _ numbers: inout WeightInitialization) {
        self.layer = layer
        weight = NetworkParameter(
            "\(name).weight",
            numbers.normal(layer.weightShape, deviation: (1 / Double(overlap * layer.outputs)).squareRoot()))
        bias = NetworkParameter("\(name).bias", Tensor(shape: [layer.inputs]))
    }

    var parameters: [NetworkParameter] { [weight, bias] }

    /// - Parameter extent: of the result.
    func callAsFunction(_ x: Variable, to extent: Extent3D, on tape: Tape) -> Variable {
        tape.transposedConvolution(x, layer, weight: weight, bias: bias, extent: extent)
    }
}

/// The 1 × 1 convolution that makes logits of channels.
struct LogitLayer {
    private let layer: Convolution3D
    private let weight: NetworkParameter
    private let bias: NetworkParameter

    init(_ name: String, inputs: Int, outputs: Int, _ numbers: inout WeightInitialization) {
        layer = Convolution3D(inputs: inputs, outputs: outputs, kernel: Extent3D(1))
        weight = NetworkParameter("\(name).weight", numbers.kaiming(layer.weightShape))
        bias = NetworkParameter("\(name).bias", Tensor(shape: [outputs]))
    }

    var parameters: [NetworkParameter] { [weight, bias] }

    func callAsFunction(_ x: Variable, on tape: Tape) -> Variable { tape.convolution(x, layer, weight: weight, bias: bias) }
}
