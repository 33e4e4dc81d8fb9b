public import Tensors

/// A residual U-Net that finds particles. It has four levels of residual blocks. Each block gets the coordinates of its voxels as
/// three further channels (CoordConv, Liu et al., NeurIPS 2018), and each encoder block below the finest level also the input
/// densities at its scale. The decoder adds the encoder's map of the same level to its own.
public final class PickerNetwork: Network {
    private let picker: PickerArchitecture
    private var encoder: [[NormalizedConvolution]] = []
    private var decoder: [[NormalizedConvolution]] = []
    private var upsamplers: [TransposedLayer] = []
    private let head: LogitLayer

    public var architecture: NetworkArchitecture { .picker(picker) }

    /// Creates the network with random initial weights, which the seed determines.
    public init(_ architecture: PickerArchitecture, seed: UInt64) {
        picker = architecture
        var numbers = WeightInitialization(seed: seed)
        let channels = architecture.channels
        func block(_ name: String, _ inputs: Int, _ outputs: Int) -> [NormalizedConvolution] {
            // The 3 further channels are the coordinates x, y and z.
            [inputs + 3, outputs, outputs].enumerated().map { number, inputs in
                NormalizedConvolution(
                    "\(name).\(number)",
                    Convolution3D(inputs: inputs, outputs: outputs, kernel: Extent3D(3), padding: Extent3D(1)), .batch, &numbers)
            }
        }
        for level in channels.indices {
            encoder.append(block("encoder.\(level)", level == 0 ? 1 : channels[level - 1] + 1, channels[level]))
            guard level > 0 else { continue }
            let layer = Convolution3D(
                inputs: channels[level - 1], outputs: channels[level], kernel: Extent3D(3), stride: Extent3D(2),
                padding: Extent3D(1))
            upsamplers.append(TransposedLayer("up.\(level - 1)", layer, overlap: 4, &numbers))
            decoder.append(block("decoder.\(level - 1)", channels[level - 1], channels[level - 1]))
        }
        head = LogitLayer("head", inputs: channels[0], outputs: architecture.classes, &numbers)
    }

    public var parameters: [NetworkParameter] {
        (encoder + decoder).joined().flatMap(\.parameters) + upsamplers.flatMap(\.parameters) + head.parameters
    }

    public var buffers: [NetworkParameter] { (encoder + decoder).joined().flatMap(\.buffers) }

    public func features(_ x: Tensor) -> Tensor {
        let tape = Tape(recording: false)
        var image = x
        return encoder.indices.dropLast().reduce(Variable(x)) { encoded($0, image: &image, level: $1, on: tape) }.value
    }

    /// The encoder's map of a level from that of the finer one.
    ///
    /// - Parameter image: the densities at the scale of the finer level, then at that of the level.
    private func encoded(_ x: Variable, image: inout Tensor, level: Int, on tape: Tape) -> Variable {
        guard level > 0 else { return residual(encoder[level], x, on: tape) }
        let halving = Pooling3D(.mean, window: Extent3D(2))
        image = halving(image)
        return residual(encoder[level], tape.concatenation([tape.pooling(x, halving), Variable(image)]), on: tape)
    }

    public func callAsFunction(_ x: Variable, on tape: Tape) -> Variable {
        var (x, image) = (x, x.value)
        var skipped: [Variable] = []
        for level in encoder.indices {
            if level > 0 { skipped.append(x) }
            x = encoded(x, image: &image, level: level, on: tape)
        }
        for level in decoder.indices.reversed() {
            let skip = skipped.removeLast()
            let larger = upsamplers[level](x, to: skip.value.extent, on: tape)
            x = residual(decoder[level], tape.sum(larger, skip), on: tape)
        }
        return head(x, on: tape)
    }

    /// A residual block: three convolutions; the result of the first is added to that of the last, then ELU.
    private func residual(_ block: [NormalizedConvolution], _ x: Variable, on tape: Tape) -> Variable {
        let first = block[0](tape.concatenation([x, Variable(Self.coordinates(like: x.value))]), on: tape)
        let last = block.dropFirst().reduce(first) { $1($0, on: tape) }
        return tape.elu(tape.sum(last, first))
    }

    /// The coordinates x, y, z of each voxel, in [−1, 1] over the patch: `[N, D, H, W, 3]` (CoordConv). Along an axis of one
    /// voxel the coordinate is 0.
    static func coordinates(like x: Tensor) -> Tensor {
        let extent = x.extent
        func coordinate(_ index: Int, _ length: Int) -> Float { length > 1 ? 2 * Float(index) / Float(length - 1) - 1 : 0 }
        let columns = (0..<extent.width).map { coordinate($0, extent.width) }
        return Tensor(shape: [x.shape[0]] + extent.lengths + [3]) { values in
            guard let base = values.baseAddress else { return }
            var next = base
            for _ in 0..<x.shape[0] {
                for z in 0..<extent.depth {
                    let depth = coordinate(z, extent.depth)
                    for y in 0..<extent.height {
                        let height = coordinate(y, extent.height)
                        for x in 0..<extent.width {
                            (next[0], next[1], next[2]) = (columns[x], height, depth)
                            next += 3
                        }
                    }
                }
            }
        }
    }
}

/// The settings of the three-dimensional residual U-Net that finds particles, which follows DeepETPicker (Liu et al., Nature
/// Communications 2024).
public struct PickerArchitecture: Hashable, Sendable, Codable {
    /// Channels of the finest level. The others have 2, 3 and 4.5 times as many: by default 24, 48, 72, 108.
    public let width: Int
    /// The number of particle classes: one logit each, without background.
    public let classes: Int

    /// - Throws: ``TrainingError`` unless the width is even and in 2 … 256, and there are 1 to 64 classes.
    public init(width: Int = 24, classes: Int = 1) throws(TrainingError) {
        (self.width, self.classes) = (width, classes)
        try check()
    }

    /// Checks the numbers, which a file may hold in any range.
    ///
    /// - Throws: ``TrainingError`` if a number is out of range.
    func check() throws(TrainingError) {
        guard 2...256 ~= width, width % 2 == 0 else {
            throw TrainingError("a picker cannot have a width of \(width); give an even one from 2 to 256")
        }
        guard 1...64 ~= classes else { throw TrainingError("a picker cannot have \(classes) classes; give 1 to 64") }
    }

    /// The channels of the four levels, the finest first.
    var channels: [Int] { [2 * width, 4 * width, 6 * width, 9 * width].map { $0 / 2 } }
}
