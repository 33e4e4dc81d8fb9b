/// Three-dimensional convolution (cross-correlation, as in every deep learning library) of channels-last volumes, and the way back of
/// its derivatives. Of images, which are volumes of depth 1, with a kernel of depth 1 it is the two-dimensional one.
///
/// The weight is no part of it: in training it changes with each step.
public struct Convolution3D: Hashable, Sendable {
    /// Channels of what it takes.
    public let inputs: Int
    /// Channels of what it gives.
    public let outputs: Int
    public let kernel: Extent3D
    public let stride: Extent3D
    /// Zeros before and after, along each axis.
    public let padding: Extent3D

    /// - Precondition: channels, kernel and stride are positive, and no padding is negative or as long as the kernel.
    public init(
        inputs: Int, outputs: Int, kernel: Extent3D, stride: Extent3D = Extent3D(1), padding: Extent3D = Extent3D(0)
    ) {
        precondition(
            inputs > 0 && outputs > 0 && kernel.lengths.allSatisfy { $0 > 0 } && stride.lengths.allSatisfy { $0 > 0 }
                && zip(padding.lengths, kernel.lengths).allSatisfy { 0..<$1 ~= $0 },
            "no convolution has a kernel of \(kernel), a stride of \(stride) and a padding of \(padding)")
        (self.inputs, self.outputs, self.kernel, self.stride, self.padding) = (inputs, outputs, kernel, stride, padding)
    }

    /// `[outputs, inputs, depth, rows, columns]`, the order of PyTorch.
    public var weightShape: [Int] { [outputs, inputs] + kernel.lengths }

    /// The extent of what comes of a volume; 0 where the volume is too small.
    public func outputExtent(_ extent: Extent3D) -> Extent3D {
        let room = extent.combined(padding) { $0 + 2 * $1 }.combined(kernel, -)
        return room.combined(stride) { $0 < 0 ? 0 : $0 / $1 + 1 }
    }

    /// `[N, D, H, W, inputs]` → `[N, D′, H′, W′, outputs]`
    ///
    /// - Parameters:
    ///   - weight: of ``weightShape``.
    ///   - bias: `[outputs]`
    /// - Complexity: 2 · kernel · inputs · outputs operations for each voxel of the result; a quarter of them for 3 × 3 planes
    ///   with stride 1.
    public func callAsFunction(_ x: Tensor, weight: Tensor, bias: Tensor? = nil) -> Tensor {
        precondition(weight.shape == weightShape, "\(weight.shape) is no weight of \(weightShape)")
        precondition(bias.map { $0.count == outputs } ?? true, "a bias that does not fit \(weightShape)")
        precondition(x.shape.last == inputs, "\(x.shape) has not the \(inputs) channels of this layer")
        let packed = PackedMatrix(
            weight, columns: outputs, inputs: inputs, taps: kernel.count, columnStride: inputs * kernel.count,
            inputStride: kernel.count, tap: { $0 })
        return apply(packed, bias: bias, to: x)
    }

    /// Derivatives by what the convolution took, from those by what it gave. It is the transposed convolution as well.
    ///
    /// - Parameters:
    ///   - gradient: `[N, D′, H′, W′, outputs]`
    ///   - extent: of what the convolution took: D, H, W.
    /// - Returns: `[N, D, H, W, inputs]`
    public func inputGradient(_ gradient: Tensor, weight: Tensor, extent: Extent3D) -> Tensor {
        precondition(weight.shape == weightShape, "\(weight.shape) is no weight of \(weightShape)")
        precondition(
            gradient.shape.last == outputs && gradient.extent == outputExtent(extent),
            "\(gradient.shape) does not come of \(extent)")
        let taps = kernel.count
        if stride == Extent3D(1), zip(kernel.lengths, padding.lengths).allSatisfy({ $0 == 2 * $1 + 1 }) {
            // The convolution with the weight turned round.
            let turned = PackedMatrix(
                weight, columns: inputs, inputs: outputs, taps: taps, columnStride: taps, inputStride: inputs * taps,
                tap: { taps - 1 - $0 })
            return Convolution3D(inputs: outputs, outputs: inputs, kernel: kernel, padding: padding)
                .apply(turned, bias: nil, to: gradient)
        }
        return gatheredGradient(gradient, weight: weight, extent: extent)
    }

    /// Derivatives by the weight.
    ///
    /// - Parameters:
    ///   - x: what the convolution took.
    ///   - gradient: derivatives by what it gave.
    public func weightGradient(_ x: Tensor, _ gradient: Tensor) -> Tensor {
        precondition(
            x.shape.last == inputs && gradient.shape.last == outputs && gradient.extent == outputExtent(x.extent)
                && x.shape[0] == gradient.shape[0], "\(gradient.shape) does not come of \(x.shape)")
        return suitsWinograd ? winogradWeightGradient(x, gradient) : patchWeightGradient(x, gradient)
    }

    /// 3 × 3 planes with stride 1 that leave the extent as it is, and channels that fill a good part of vectors.
    private var suitsWinograd: Bool {
        kernel.height == 3 && kernel.width == 3 && (kernel.depth == 3 || kernel.depth == 1) && stride == Extent3D(1)
            && padding == Extent3D(kernel.depth / 2, 1, 1) && inputs >= 8 && outputs >= 8
    }

    private func apply(_ weight: PackedMatrix, bias: Tensor?, to x: Tensor) -> Tensor {
        let extent = outputExtent(x.extent)
        let shape = [x.shape[0]] + extent.lengths + [outputs]
        return Tensor(
            shape: shape,
            storage: .filled(count: Tensor.count(of: shape)) { result in
                if kernel.count == 1 && stride == Extent3D(1) {
                    weight.multiply(
                        rows: x.shape[0] * extent.count, x.storage.base, stride: inputs, bias: bias, adding: nil, into: result)
                } else if suitsWinograd {
                    applyWinograd(weight, bias: bias, to: x, into: result)
                } else {
                    applyToPatches(weight, bias: bias, of: x, extent: extent, into: result)
                }
            })
    }
}

/// Lengths along the three axes of a volume: sizes, strides, paddings. Images are volumes of depth 1.
public struct Extent3D: Hashable, Sendable, Codable {
    public var depth: Int
    public var height: Int
    public var width: Int

    public init(_ depth: Int, _ height: Int, _ width: Int) { (self.depth, self.height, self.width) = (depth, height, width) }

    /// The same along all axes.
    public init(_ length: Int) { self.init(length, length, length) }

    /// The product: how many voxels.
    public var count: Int { depth * height * width }

    /// Depth, height, width.
    public var lengths: [Int] { [depth, height, width] }

    /// A length of each from lengths of both.
    func combined(_ other: Extent3D, _ combine: (Int, Int) -> Int) -> Extent3D {
        Extent3D(combine(depth, other.depth), combine(height, other.height), combine(width, other.width))
    }
}

extension Tensor {
    /// The lengths of a batch of volumes, `[N, D, H, W, C]`.
    ///
    /// - Precondition: it is one.
    public var extent: Extent3D {
        precondition(shape.count == 5, "\(shape) is no batch of volumes")
        return Extent3D(shape[1], shape[2], shape[3])
    }
}
