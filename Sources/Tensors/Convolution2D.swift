internal import CKernels

/// Two-dimensional convolution (cross-correlation, as in every deep learning library) of channels-last images, with fixed
/// weights.
public struct Convolution2D: Sendable {
    /// Channels of the input.
    public let inputs: Int
    /// Channels of the result.
    public let outputs: Int
    public let kernelHeight: Int
    public let kernelWidth: Int
    /// Step of the kernel along both axes, in pixels.
    public let stride: Int
    public let padding: Padding2D
    /// Whether Winograd's algorithm is used: a 3 × 3 kernel with stride 1 and padding 1, inputs a multiple of 16, and outputs a
    /// multiple of 32.
    let suitsWinograd: Bool
    private let weight: PackedMatrix
    private let bias: Tensor?
    /// Of a weight of bfloat16, where Winograd's algorithm is used.
    private let scales: WinogradScales?

    /// Creates the layer. The weight is copied into the order that the inner kernel reads.
    ///
    /// - Parameters:
    ///   - weight: `[outputs, inputs, rows, columns]`, the order of PyTorch.
    ///   - bias: `[outputs]`, or nil for none.
    ///   - arithmetic: the numbers that are multiplied.
    /// - Precondition: a positive stride, no negative padding, and a bias, if any, of `outputs` values.
    public init(weight: Tensor, bias: Tensor?, stride: Int, padding: Padding2D, arithmetic: Arithmetic = .float32) {
        precondition(weight.shape.count == 4, "\(weight.shape) is no weight of a two-dimensional convolution")
        precondition(bias.map { $0.count == weight.shape[0] } ?? true, "a bias that does not fit \(weight.shape)")
        precondition(
            stride > 0 && min(min(padding.top, padding.left), min(padding.bottom, padding.right)) >= 0,
            "a stride of \(stride) or a padding of \(padding)")
        (outputs, inputs, kernelHeight, kernelWidth) = (weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3])
        (self.stride, self.padding, self.bias) = (stride, padding, bias)
        let is3By3 = kernelHeight == 3 && kernelWidth == 3
        suitsWinograd =
            is3By3 && stride == 1 && padding == Padding2D(1) && inputs % 16 == 0 && outputs % PackedMatrix.panelWidth == 0
        let factors = suitsWinograd && arithmetic.numbers != CK_FLOAT32 ? WeightFactors(of: weight) : nil
        let packed = PackedMatrix(
            factors?.balanced(weight) ?? weight, columns: outputs, inputs: inputs, taps: kernelHeight * kernelWidth,
            arithmetic: arithmetic)
        self.weight = packed
        scales = factors.flatMap {
            WinogradScales(of: packed, depth: 1, pairs: weight.shape[1] / 2, block: Winograd.block, factors: $0)
        }
    }

    /// `[N, H, W, inputs]` → `[N, H′, W′, outputs]`, H′ and W′ from ``outputSize(height:width:)``.
    ///
    /// - Complexity: 2 · rows · columns · inputs · outputs operations for each pixel of the result; a quarter of them by
    ///   Winograd's algorithm (3 × 3, stride 1, padding 1, inputs a multiple of 16 and outputs of 32).
    public func callAsFunction(_ x: Tensor) -> Tensor { apply(to: x, residual: nil) }

    /// The convolution's result plus `residual`, which has the result's shape.
    public func callAsFunction(_ x: Tensor, addingTo residual: Tensor) -> Tensor { apply(to: x, residual: residual) }

    /// The convolution of `norm(x, offset: offset, activation: .relu)`, plus `residual` (of the result's shape) if given.
    ///
    /// Where Winograd's algorithm is used, pixels are normalised as they are read, and the normalised image is never stored.
    ///
    /// - Parameters:
    ///   - x: `[N, H, W, inputs]`
    ///   - offset: `[N, inputs]`, added to each image's channels before the normalisation.
    public func callAsFunction(
        normalizing x: Tensor, by norm: BatchNorm, offset: Tensor? = nil, addingTo residual: Tensor? = nil
    ) -> Tensor {
        guard suitsWinograd else {
            return apply(to: norm(x, offset: offset, activation: .relu), residual: residual)
        }
        return apply(to: x, factors: norm.factors(of: x, offset: offset), residual: residual)
    }

    /// The height and width of the result for an image of this height and width, in pixels; 0 where the padded image is smaller
    /// than the kernel.
    public func outputSize(height: Int, width: Int) -> (height: Int, width: Int) {
        let rows = height + padding.top + padding.bottom - kernelHeight
        let columns = width + padding.left + padding.right - kernelWidth
        return (rows < 0 ? 0 : rows / stride + 1, columns < 0 ? 0 : columns / stride + 1)
    }

    private func apply(to x: Tensor, factors: ChannelFactors? = nil, residual: Tensor?) -> Tensor {
        let (images, height, width, channels) = x.imageShape
        precondition(channels == inputs, "\(x.shape) has not the \(inputs) channels of this layer")
        let (rows, columns) = outputSize(height: height, width: width)
        let shape = [images, rows, columns, outputs]
        precondition(residual.map { $0.shape == shape } ?? true, "a residual that does not fit \(shape)")
        return Tensor(
            shape: shape,
            storage: .filled(count: Tensor.count(of: shape)) { result in
                let add = residual.map { UnsafePointer($0.storage.base) }
                if kernelHeight == 1 && kernelWidth == 1 && stride == 1 && padding == Padding2D(0) {
                    weight.multiply(
                        rows: images * rows * columns, x.storage.base, stride: inputs, bias: bias, adding: add, into: result)
                } else if suitsWinograd {
                    applyWinograd(to: x, factors: factors, adding: add, into: result)
                } else {
                    applyToPatches(of: x, rows: rows, columns: columns, adding: add, into: result)
                }
            })
    }

    /// im2col: copies each pixel's neighbourhood into one row of a matrix and multiplies the rows with the weight, at most 8 MiB
    /// of rows at a time (64 rows at least).
    private func applyToPatches(
        of x: Tensor, rows: Int, columns: Int, adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
        let (inner, size) = (weight.inner, Extent3D(1, x.shape[1], x.shape[2]))
        let pixels = x.shape[0] * rows * columns
        let pixelsOfStrip = max(min(2_097_152 / max(inner, 1), pixels), min(64, pixels), 1)
        for first in Swift.stride(from: 0, to: pixels, by: pixelsOfStrip) {
            let count = min(pixelsOfStrip, pixels - first)
            TensorStorage.withScratch(count * inner) { patches in
                let pixelsOfTask = 16
                Threads.perform((count + pixelsOfTask - 1) / pixelsOfTask) { task in
                    let (lengths, kernel) = (size.lengths, [1, kernelHeight, kernelWidth])
                    for pixel in task * pixelsOfTask..<min((task + 1) * pixelsOfTask, count) {
                        let (image, rest) = (first + pixel).quotientAndRemainder(dividingBy: rows * columns)
                        ck_patch(
                            x.storage.base + image * size.count * inputs, lengths, inputs, 0,
                            rest / columns * stride - padding.top,
                            rest % columns * stride - padding.left, kernel, patches + pixel * inner)
                    }
                }
                weight.multiply(
                    rows: count, patches, stride: inner, bias: bias, adding: add.map { $0 + first * outputs },
                    into: result + first * outputs)
            }
        }
    }
}

extension Convolution2D {
    /// The convolution by Winograd's F(4×4, 3×3) (Lavin and Gray, CVPR 2016), with a quarter of the multiplications.
    ///
    /// For a group of tiles, some input channels are transformed into memory that stays in the last-level cache. Then each panel
    /// of outputs transforms its weights when it needs them, which costs less than keeping transformed weights, four times as
    /// large, in memory. The products of further input channels are added to the result of the first ones.
    ///
    /// - Parameter factors: if given, each pixel is replaced by relu(scale · pixel + shift) as it is read.
    fileprivate func applyWinograd(
        to x: Tensor, factors: ChannelFactors?, adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
        let (images, height, width, _) = x.imageShape
        let (down, across) = ((height + 3) / 4, (width + 3) / 4)
        let tiles = images * down * across
        // Pairs of channels, where integers are multiplied.
        let channelsOfSlot = scales == nil ? 1 : 2
        let slots = inputs / channelsOfSlot
        let groups = (tiles + Winograd.mostTiles - 1) / Winograd.mostTiles
        let performGroup = { (group: Int) in
            let first = tiles * group / groups
            let count = tiles * (group + 1) / groups - first
            let slotsOfRound = Winograd.slots(of: slots, tiles: count)
            let plane = count * Winograd.block + 16
            let blocks = (slotsOfRound + Winograd.block - 1) / Winograd.block
            TensorStorage.withScratch(36 * blocks * (plane + count)) { transformed in
                let inputScales = transformed + 36 * blocks * plane
                for slot in Swift.stride(from: 0, to: slots, by: slotsOfRound) {
                    let some = min(slotsOfRound, slots - slot)
                    let channel = slot * channelsOfSlot
                    Threads.perform(count) { tile in
                        let (image, position) = (first + tile).quotientAndRemainder(dividingBy: down * across)
                        let source = x.storage.base + image * height * width * inputs + channel
                        let (top, left) = (position / across * 4 - 1, position % across * 4 - 1)
                        let scale = factors.map { $0.scale(of: image) + channel }
                        let shift = factors.map { $0.shift(of: image) + channel }
                        let target = transformed + tile * Winograd.block
                        if let scales {
                            ck_winograd_input_pairs(
                                source, height, width, inputs, some * channelsOfSlot, top, left, scale, shift,
                                scales.factors.from(channel), target, plane, Winograd.block, inputScales + tile, count)
                        } else {
                            ck_winograd_input(
                                source, height, width, inputs, some, top, left, scale, shift, target, plane, Winograd.block)
                        }
                    }
                    Threads.perform(outputs / PackedMatrix.panelWidth) { panel in
                        let column = panel * PackedMatrix.panelWidth
                        let sum = channel == 0 ? add : UnsafePointer(result)
                        TensorStorage.withScratch(ck_winograd_scratch(count, Winograd.block)) { scratch in
                            var work = ck_winograd(
                                numbers: scales == nil ? CK_FLOAT32 : CK_INT16, input_scales: inputScales,
                                weight_scales: scales?.panel(panel), scale_plane: count,
                                tiles: ck_tiles(height: height, width: width, top: 0, left: 0, down: down, across: across),
                                first_tile: first, count: count, transformed: transformed, plane: plane,
                                block: Winograd.block, depth: 1, depth_step: 0, inputs: slots, first_input: slot,
                                some: some, outputs: outputs, columns: PackedMatrix.panelWidth, panel: weight.panel(panel),
                                bias: channel == 0 ? bias.map { UnsafePointer($0.storage.base + column) } : nil,
                                add: sum.map { $0 + column }, is_rectified: 0, result: result + column, scratch: scratch)
                            ck_winograd_products(&work)
                        }
                    }
                }
            }
        }
        // Few outputs are few panels, which would leave threads idle. Then several groups run at the same time, each on one
        // thread.
        if outputs / PackedMatrix.panelWidth <= Winograd.fewPanels {
            Threads.perform(groups, performGroup)
        } else {
            for group in 0..<groups { performGroup(group) }
        }
    }
}

/// Block sizes of Winograd's convolution, measured on a processor with 1 MB of second-level cache (Benchmarks/NOTES.md).
private enum Winograd {
    /// Tiles in a group: enough that the transform of the weights costs little in comparison, and few enough that a panel's
    /// products stay in the second-level cache.
    static let mostTiles = 128
    /// Input channels, or pairs of them, whose transformed weights a thread holds at a time.
    static let block = 64
    /// Up to this number of panels, groups run at the same time. Each of them then has its transformed inputs in memory.
    static let fewPanels = 4
    /// Transformed input values for each of the 36 positions that stay in the last-level cache: 6 MB for all positions.
    static let mostTransformed = 40_960

    /// The number of input channels, or pairs of them, that are transformed at a time, for this number of tiles: whole blocks, about
    /// equally many in each round.
    static func slots(of inputs: Int, tiles: Int) -> Int {
        let most = max(mostTransformed / tiles / block, 1) * block
        let rounds = (inputs + most - 1) / most
        return ((inputs + rounds - 1) / rounds + block - 1) / block * block
    }
}

/// Zero padding: rows and columns of zeros around an image, in pixels.
public struct Padding2D: Sendable, Hashable {
    public var top: Int
    public var left: Int
    public var bottom: Int
    public var right: Int

    public init(top: Int, left: Int, bottom: Int, right: Int) {
        (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }

    /// The same padding on all four sides.
    public init(_ width: Int) {
        self.init(top: width, left: width, bottom: width, right: width)
    }
}
