internal import CKernels

/// Two-dimensional convolution (cross-correlation, as in every deep learning library) of channels-last images.
public struct Convolution2D: Sendable {
    /// Channels of what it takes.
    public let inputs: Int
    /// Channels of what it gives.
    public let outputs: Int
    public let kernelHeight: Int
    public let kernelWidth: Int
    public let stride: Int
    public let padding: Padding2D
    private let weight: PackedMatrix
    private let bias: Tensor?

    /// Copies the weight into an order of its own.
    ///
    /// - Parameter weight: `[outputs, inputs, rows, columns]`, the order of PyTorch.
    /// - Precondition: a positive stride, no negative padding, and a bias, if any, of `outputs` values.
    public init(weight: Tensor, bias: Tensor?, stride: Int, padding: Padding2D) {
        precondition(weight.shape.count == 4, "\(weight.shape) is no weight of a two-dimensional convolution")
        precondition(bias.map { $0.count == weight.shape[0] } ?? true, "a bias that does not fit \(weight.shape)")
        precondition(
            stride > 0 && min(min(padding.top, padding.left), min(padding.bottom, padding.right)) >= 0,
            "a stride of \(stride) or a padding of \(padding)")
        (outputs, inputs, kernelHeight, kernelWidth) = (weight.shape[0], weight.shape[1], weight.shape[2], weight.shape[3])
        (self.stride, self.padding, self.bias) = (stride, padding, bias)
        self.weight = PackedMatrix(weight, columns: outputs, inputs: inputs, taps: kernelHeight * kernelWidth)
    }

    /// `[N, H, W, inputs]` → `[N, H′, W′, outputs]`
    public func callAsFunction(_ x: Tensor) -> Tensor { apply(to: x, residual: nil) }

    /// The same, added to a tensor of the result's shape.
    public func callAsFunction(_ x: Tensor, addingTo residual: Tensor) -> Tensor { apply(to: x, residual: residual) }

    /// The convolution of `norm(x, offset: offset, activation: .relu)`, added to a tensor of the result's shape, where given.
    ///
    /// Where Winograd's convolution runs, pixels are normalised as they are read, and no array is made of them.
    public func callAsFunction(
        normalizing x: Tensor, by norm: BatchNorm, offset: Tensor? = nil, addingTo residual: Tensor? = nil
    ) -> Tensor {
        guard suitsWinograd else {
            return apply(to: norm(x, offset: offset, activation: .relu), residual: residual)
        }
        return apply(to: x, factors: norm.factors(of: x, offset: offset), residual: residual)
    }

    /// The height and width of what comes of an image of this height and width; 0 where the image is too small.
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

    /// Copies each pixel's neighbourhood into a row of its own and multiplies these rows, some megabytes at a time.
    private func applyToPatches(
        of x: Tensor, rows: Int, columns: Int, adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
        let inner = weight.inner
        let pixels = x.shape[0] * rows * columns
        let pixelsOfStrip = max(min(2_097_152 / max(inner, 1), pixels), min(64, pixels), 1)
        for first in Swift.stride(from: 0, to: pixels, by: pixelsOfStrip) {
            let count = min(pixelsOfStrip, pixels - first)
            TensorStorage.withScratch(count * inner) { patches in
                let pixelsOfTask = 16
                Threads.perform((count + pixelsOfTask - 1) / pixelsOfTask) { task in
                    for pixel in task * pixelsOfTask..<min((task + 1) * pixelsOfTask, count) {
                        let (image, rest) = (first + pixel).quotientAndRemainder(dividingBy: rows * columns)
                        copyPatch(of: x, image: image, row: rest / columns, column: rest % columns, to: patches + pixel * inner)
                    }
                }
                weight.multiply(
                    rows: count, patches, stride: inner, bias: bias, adding: add.map { $0 + first * outputs },
                    into: result + first * outputs)
            }
        }
    }

    private func copyPatch(of x: Tensor, image: Int, row: Int, column: Int, to target: UnsafeMutablePointer<Float>) {
        let (height, width) = (x.shape[1], x.shape[2])
        for ky in 0..<kernelHeight {
            let y = row * stride + ky - padding.top
            for kx in 0..<kernelWidth {
                let x0 = column * stride + kx - padding.left
                let pixel = target + (ky * kernelWidth + kx) * inputs
                if y >= 0 && y < height && x0 >= 0 && x0 < width {
                    pixel.update(from: x.storage.base + ((image * height + y) * width + x0) * inputs, count: inputs)
                } else {
                    pixel.update(repeating: 0, count: inputs)
                }
            }
        }
    }
}

extension Convolution2D {
    /// 3 × 3 with stride 1 over an image of the same size, and channels that fill vectors.
    var suitsWinograd: Bool {
        kernelHeight == 3 && kernelWidth == 3 && stride == 1 && padding == Padding2D(1) && inputs % 16 == 0
            && outputs % PackedMatrix.panelWidth == 0
    }

    /// The convolution by Winograd's F(4×4, 3×3): a quarter of the products.
    ///
    /// Some channels of a group of tiles are transformed into memory that stays in a last-level cache. Then each panel of
    /// outputs transforms its weights as it goes, which costs less than keeping them, four times as large, in memory.
    /// Further channels are added to what the first ones gave.
    ///
    /// - Parameter factors: what pixels are multiplied by and moved by, and cut off at 0, before.
    fileprivate func applyWinograd(
        to x: Tensor, factors: ChannelFactors?, adding add: UnsafePointer<Float>?, into result: UnsafeMutablePointer<Float>
    ) {
        let (images, height, width, _) = x.imageShape
        let (down, across) = ((height + 3) / 4, (width + 3) / 4)
        let tiles = images * down * across
        let groups = (tiles + Winograd.mostTiles - 1) / Winograd.mostTiles
        let performGroup = { (group: Int) in
            let first = tiles * group / groups
            let count = tiles * (group + 1) / groups - first
            let channels = Winograd.channels(of: inputs, tiles: count)
            let plane = count * Winograd.block + 16
            let blocks = (channels + Winograd.block - 1) / Winograd.block
            TensorStorage.withScratch(36 * blocks * plane) { transformed in
                for channel in Swift.stride(from: 0, to: inputs, by: channels) {
                    let some = min(channels, inputs - channel)
                    Threads.perform(count) { tile in
                        let (image, place) = (first + tile).quotientAndRemainder(dividingBy: down * across)
                        ck_winograd_input(
                            x.storage.base + image * height * width * inputs + channel, height, width, inputs, some,
                            place / across * 4 - 1, place % across * 4 - 1, factors.map { $0.scale(of: image) + channel },
                            factors.map { $0.shift(of: image) + channel }, transformed + tile * Winograd.block, plane,
                            Winograd.block)
                    }
                    Threads.perform(outputs / PackedMatrix.panelWidth) { panel in
                        let column = panel * PackedMatrix.panelWidth
                        let sum = channel == 0 ? add : UnsafePointer(result)
                        TensorStorage.withScratch(ck_winograd_scratch(count, Winograd.block)) { scratch in
                            var work = ck_winograd(
                                tiles: ck_tiles(height: height, width: width, top: 0, left: 0, down: down, across: across),
                                first_tile: first, count: count, transformed: transformed, plane: plane,
                                block: Winograd.block, depth: 1, depth_step: 0, inputs: inputs, first_input: channel,
                                some: some, outputs: outputs, columns: PackedMatrix.panelWidth, panel: weight.panel(panel),
                                bias: channel == 0 ? bias.map { UnsafePointer($0.storage.base + column) } : nil,
                                add: sum.map { $0 + column }, result: result + column, scratch: scratch)
                            ck_winograd_products(&work)
                        }
                    }
                }
            }
        }
        // The panels of few outputs would leave threads idle: then groups are computed at the same time, each by one.
        if outputs / PackedMatrix.panelWidth <= Winograd.fewPanels {
            Threads.perform(groups, performGroup)
        } else {
            for group in 0..<groups { performGroup(group) }
        }
    }
}

/// How Winograd's convolution is cut, by measurement on a processor with 1 MB of second-level cache (Benchmarks/NOTES.md).
private enum Winograd {
    /// Tiles of a group: enough of them to make up for transforming the weights, few enough that a panel's products
    /// stay in the second-level cache.
    static let mostTiles = 128
    /// Inputs whose transformed weights a thread holds at a time.
    static let block = 64
    /// Panels of outputs up to which groups are computed at the same time. Each has its transformed inputs in memory.
    static let fewPanels = 4
    /// Transformed inputs, of each of the 36 positions, that stay in the last-level cache: 6 MB together.
    static let mostTransformed = 40_960

    /// How many inputs of so many tiles are transformed at a time: whole blocks, about as many in each round.
    static func channels(of inputs: Int, tiles: Int) -> Int {
        let most = max(mostTransformed / tiles / block, 1) * block
        let rounds = (inputs + most - 1) / most
        return ((inputs + rounds - 1) / rounds + block - 1) / block * block
    }
}

/// Rows and columns of zeros around an image.
public struct Padding2D: Sendable, Hashable {
    public var top: Int
    public var left: Int
    public var bottom: Int
    public var right: Int

    public init(top: Int, left: Int, bottom: Int, right: Int) {
        (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }

    /// The same on all four sides.
    public init(_ width: Int) {
        self.init(top: width, left: width, bottom: width, right: width)
    }
}
