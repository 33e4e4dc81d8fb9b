/// A convolution with a fixed weight, for inference. The weight is copied once, when the layer is created, into the order that the
/// inner kernel reads. Results have the same bits as those of ``Convolution3D``.
public struct PackedConvolution3D: Sendable {
    private let layer: Convolution3D
    private let weight: PackedMatrix
    private let bias: Tensor?

    /// - Parameters:
    ///   - weight: `layer.weightShape`
    ///   - bias: `[layer.outputs]`, or nil for none.
    public init(_ layer: Convolution3D, weight: Tensor, bias: Tensor? = nil) {
        self.init(layer, weight: weight, bias: bias, lasts: true)
    }

    /// - Parameter lasts: whether the layer is kept for more than one call.
    init(_ layer: Convolution3D, weight: Tensor, bias: Tensor?, lasts: Bool) {
        precondition(weight.shape == layer.weightShape, "\(weight.shape) is no weight of \(layer.weightShape)")
        precondition(bias.map { $0.count == layer.outputs } ?? true, "a bias that does not fit \(layer.weightShape)")
        (self.layer, self.bias) = (layer, bias)
        let taps = layer.kernel.count
        self.weight = PackedMatrix(
            weight, columns: layer.outputs, inputs: layer.inputs, taps: taps, columnStride: layer.inputs * taps,
            inputStride: taps, tap: { $0 }, lasts: lasts)
    }

    /// `[N, D, H, W, layer.inputs]` → `[N, D′, H′, W′, layer.outputs]`
    ///
    /// - Complexity: as ``Convolution3D/callAsFunction(_:weight:bias:)``.
    public func callAsFunction(_ x: Tensor) -> Tensor {
        precondition(x.shape.last == layer.inputs, "\(x.shape) has not the \(layer.inputs) channels of this layer")
        return layer.apply(weight, bias: bias, to: x)
    }
}

/// A transposed convolution with a fixed weight, for inference: the gradient of `layer` with respect to its input, plus a bias. The
/// weight is copied once, when the layer is created. Results have the same bits as those of ``Convolution3D/inputGradient(_:weight:extent:)``.
public struct PackedTransposedConvolution3D: Sendable {
    private let layer: Convolution3D
    private let weight: PackedMatrix
    private let bias: Tensor?

    /// - Parameters:
    ///   - layer: the convolution in the opposite direction, from the result to x.
    ///   - weight: `layer.weightShape`
    ///   - bias: `[layer.inputs]`, or nil for none.
    public init(_ layer: Convolution3D, weight: Tensor, bias: Tensor? = nil) {
        self.init(layer, weight: weight, bias: bias, lasts: true)
    }

    /// - Parameter lasts: whether the layer is kept for more than one call.
    init(_ layer: Convolution3D, weight: Tensor, bias: Tensor?, lasts: Bool) {
        precondition(weight.shape == layer.weightShape, "\(weight.shape) is no weight of \(layer.weightShape)")
        precondition(bias.map { $0.count == layer.inputs } ?? true, "a bias that does not fit \(layer.weightShape)")
        (self.layer, self.bias) = (layer, bias)
        self.weight = layer.reversed == nil ? layer.patchGradientMatrix(weight) : layer.reversedMatrix(weight, lasts: lasts)
    }

    /// `[N, D′, H′, W′, layer.outputs]` → `[N, D, H, W, layer.inputs]`
    ///
    /// - Parameter extent: D, H and W of the result.
    /// - Complexity: as ``Convolution3D/inputGradient(_:weight:extent:)``.
    public func callAsFunction(_ x: Tensor, to extent: Extent3D) -> Tensor {
        precondition(
            x.shape.last == layer.outputs && x.extent == layer.outputExtent(extent), "\(x.shape) does not come of \(extent)")
        let result =
            layer.reversed.map { $0.apply(weight, bias: nil, to: x) } ?? layer.gatheredGradient(x, weight: weight, extent: extent)
        return bias.map { result.adding(channels: $0) } ?? result
    }
}
