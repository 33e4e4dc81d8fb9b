/// Three-dimensional convolution (cross-correlation, as in every deep learning library) of channels-last volumes, forward and
/// backward. With a kernel of depth 1 it is the two-dimensional convolution; images are volumes of depth 1.
///
/// The weight is a parameter of each call and not stored, because training changes it in every step. ``PackedConvolution3D`` stores
/// it, for inference.
public struct Convolution3D: Hashable, Sendable {
    /// Channels of the input.
    public let inputs: Int
    /// Channels of the result.
    public let outputs: Int
    /// Extent of the kernel in voxels.
    public let kernel: Extent3D
    /// Step of the kernel in voxels.
    public let stride: Extent3D
    /// Voxels of zeros that are added before and after, along each axis.
    public let padding: Extent3D

    /// - Precondition: channels, kernel and stride are positive, and 0 ≤ padding < kernel along each axis.
    public init(
        inputs: Int, outputs: Int, kernel: Extent3D, stride: Extent3D = Extent3D(1), padding: Extent3D = Extent3D(0)
    ) {
        precondition(
            inputs > 0 && outputs > 0 && kernel.lengths.allSatisfy { $0 > 0 } && stride.lengths.allSatisfy { $0 > 0 }
                && zip(padding.lengths, kernel.lengths).allSatisfy { 0..<$1 ~= $0 },
            "no convolution has a kernel of \(kernel), a stride of \(stride) and a padding of \(padding)")
        (self.inputs, self.outputs, self.kernel, self.stride, self.padding) = (inputs, outputs, kernel, stride, padding)
    }

    /// The shape of the weight: `[outputs, inputs, depth, rows, columns]`, the order of PyTorch.
    public var weightShape: [Int] { [outputs, inputs] + kernel.lengths }

    /// The extent of the result for a volume of this extent: (extent + 2 · padding − kernel) / stride + 1 along each axis, or 0
    /// where that axis is too short.
    public func outputExtent(_ extent: Extent3D) -> Extent3D {
        let room = extent.combined(padding) { $0 + 2 * $1 }.combined(kernel, -)
        return room.combined(stride) { $0 < 0 ? 0 : $0 / $1 + 1 }
    }

    /// The convolution: `[N, D, H, W, inputs]` → `[N, D′, H′, W′, outputs]`.
    ///
    /// - Parameters:
    ///   - weight: of the shape ``weightShape``.
    ///   - bias: `[outputs]`
    /// - Complexity: 2 · kernel · inputs · outputs operations for each voxel of the result; a quarter of them for 3 × 3 planes
    ///   with stride 1.
    public func callAsFunction(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
        PackedConvolution3D(self, weight: weight, bias: bias, lasts: false)(x)
    }

    /// The transposed convolution, which is also the gradient with respect to the input: `[N, D′, H′, W′, outputs]` →
    /// `[N, D, H, W, inputs]`.
    ///
    /// - Parameters:
    ///   - gradient: the gradient with respect to the result, `[N, D′, H′, W′, outputs]`.
    ///   - weight: of the shape ``weightShape``.
    ///   - extent: D, H, W of the convolution's input.
    /// - Complexity: as the convolution.
    public func inputGradient(_ gradient: Tensor, weight: Tensor, extent: Extent3D) -> Tensor {
        PackedTransposedConvolution3D(self, weight: weight, bias: nil, lasts: false)(gradient, to: extent)
    }

    /// The convolution that is the transposed one where the stride is 1 and the padding keeps the extent: inputs and outputs are
    /// exchanged, and its weight is ``reversedMatrix(_:lasts:)``. nil for other strides and paddings.
    var reversed: Convolution3D? {
        guard stride == Extent3D(1), zip(kernel.lengths, padding.lengths).allSatisfy({ $0 == 2 * $1 + 1 }) else { return nil }
        return Convolution3D(inputs: outputs, outputs: inputs, kernel: kernel, padding: padding)
    }

    /// The weight of ``reversed``: the kernel reversed along all axes, with inputs and outputs exchanged.
    func reversedMatrix(_ weight: Tensor, lasts: Bool) -> PackedMatrix {
        let taps = kernel.count
        return PackedMatrix(
            weight, columns: inputs, inputs: outputs, taps: taps, columnStride: taps, inputStride: inputs * taps,
            tap: { taps - 1 - $0 }, lasts: lasts)
    }

    /// The gradient with respect to the weight, of the shape ``weightShape``.
    ///
    /// - Parameters:
    ///   - x: the input of the convolution, `[N, D, H, W, inputs]`.
    ///   - gradient: the gradient with respect to the result, `[N, D′, H′, W′, outputs]`.
    /// - Complexity: as the convolution.
    public func weightGradient(_ x: Tensor, _ gradient: Tensor) -> Tensor {
        precondition(
            x.shape.last == inputs && gradient.shape.last == outputs && gradient.extent == outputExtent(x.extent)
                && x.shape[0] == gradient.shape[0], "\(gradient.shape) does not come of \(x.shape)")
        return suitsWinograd ? winogradWeightGradient(x, gradient) : patchWeightGradient(x, gradient)
    }

    /// Whether Winograd's algorithm is used: a kernel of 3 × 3 × 3 or 1 × 3 × 3 with stride 1 and a padding that keeps the
    /// extent, and at least 8 inputs and 8 outputs (fewer would leave most of a vector register unused).
    private var suitsWinograd: Bool {
        kernel.height == 3 && kernel.width == 3 && (kernel.depth == 3 || kernel.depth == 1) && stride == Extent3D(1)
            && padding == Extent3D(kernel.depth / 2, 1, 1) && inputs >= 8 && outputs >= 8
    }

    /// The convolution with a packed weight, `[taps · inputs, outputs]`; with a ReLU where `isRectified`.
    func apply(_ weight: PackedMatrix, bias: Tensor?, isRectified: Bool = false, to x: Tensor) -> Tensor {
        let extent = outputExtent(x.extent)
        let shape = [x.shape[0]] + extent.lengths + [outputs]
        return Tensor(
            shape: shape,
            storage: .filled(count: Tensor.count(of: shape)) { result in
                if kernel.count == 1 && stride == Extent3D(1) {
                    weight.multiply(
                        rows: x.shape[0] * extent.count, x.storage.base, stride: inputs, bias: bias, adding: nil, into: result)
                    if isRectified { Tensor.rectify(result, count: Tensor.count(of: shape)) }
                } else if suitsWinograd {
                    applyWinograd(weight, bias: bias, isRectified: isRectified, to: x, into: result)
                } else {
                    applyToPatches(weight, bias: bias, isRectified: isRectified, of: x, extent: extent, into: result)
                }
            })
    }
}

/// Lengths along the three axes of a volume (z, y, x) in voxels: a size, stride or padding. Images are volumes of depth 1.
public struct Extent3D: Hashable, Sendable, Codable {
    public var depth: Int
    public var height: Int
    public var width: Int

    public init(_ depth: Int, _ height: Int, _ width: Int) { (self.depth, self.height, self.width) = (depth, height, width) }

    /// The same length along all axes.
    public init(_ length: Int) { self.init(length, length, length) }

    /// The number of voxels: depth · height · width.
    public var count: Int { depth * height * width }

    /// Depth, height, width.
    public var lengths: [Int] { [depth, height, width] }

    /// Combines the lengths of two extents, axis by axis.
    func combined(_ other: Extent3D, _ combine: (Int, Int) -> Int) -> Extent3D {
        Extent3D(combine(depth, other.depth), combine(height, other.height), combine(width, other.width))
    }
}

extension Tensor {
    /// D, H, W of a batch of volumes `[N, D, H, W, C]`.
    ///
    /// - Precondition: the tensor has five axes.
    public var extent: Extent3D {
        precondition(shape.count == 5, "\(shape) is no batch of volumes")
        return Extent3D(shape[1], shape[2], shape[3])
    }
}

/// A convolution with a fixed weight, for inference. The weight is copied once, when the layer is created, into the order that the
/// inner kernel reads. Results have the same bits as those of ``Convolution3D``.
public struct PackedConvolution3D: Sendable {
    private let layer: Convolution3D
    private let weight: PackedMatrix
    private let bias: Tensor?
    private let isRectified: Bool

    /// - Parameters:
    ///   - weight: `layer.weightShape`
    ///   - bias: `[layer.outputs]`, or nil for none.
    ///   - isRectified: whether a ReLU follows, max(0, x), which costs nothing here and a pass over memory elsewhere.
    public init(_ layer: Convolution3D, weight: Tensor, bias: Tensor? = nil, isRectified: Bool = false) {
        self.init(layer, weight: weight, bias: bias, isRectified: isRectified, lasts: true)
    }

    /// - Parameter lasts: whether the layer is kept for more than one call.
    init(_ layer: Convolution3D, weight: Tensor, bias: Tensor?, isRectified: Bool = false, lasts: Bool) {
        precondition(weight.shape == layer.weightShape, "\(weight.shape) is no weight of \(layer.weightShape)")
        precondition(bias.map { $0.count == layer.outputs } ?? true, "a bias that does not fit \(layer.weightShape)")
        (self.layer, self.bias, self.isRectified) = (layer, bias, isRectified)
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
        return layer.apply(weight, bias: bias, isRectified: isRectified, to: x)
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
        if let reversed = layer.reversed { return reversed.apply(weight, bias: bias, to: x) }
        if layer.tiles(extent, from: x.extent) { return layer.tiledGradient(x, weight: weight, bias: bias, extent: extent) }
        let result = layer.gatheredGradient(x, weight: weight, extent: extent)
        return bias.map { result.adding(channels: $0) } ?? result
    }
}
