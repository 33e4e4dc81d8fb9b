import Tensors

/// A U-Net: at each level two convolutions with normalisation and ReLU; maximum pooling on the way down; on the way up twice as large
/// maps, beside those of the way down; at last a 1 × 1 convolution.
public final class UNet: Network {
    private let unet: UNetArchitecture
    private var encoder: [[NormalizedConvolution]] = []
    private var decoder: [[NormalizedConvolution]] = []
    private var upsamplers: [TransposedLayer] = []
    private let head: LogitLayer

    public var architecture: NetworkArchitecture { .unet(unet) }

    public init(_ architecture: UNetArchitecture, seed: UInt64) {
        unet = architecture
        var numbers = WeightInitialization(seed: seed)
        let isDeep = architecture.dimensions == 3
        let kernel = Extent3D(isDeep ? 3 : 1, 3, 3)
        let padding = Extent3D(isDeep ? 1 : 0, 1, 1)
        func block(_ name: String, _ inputs: Int, _ outputs: Int) -> [NormalizedConvolution] {
            [inputs, outputs].enumerated().map { number, inputs in
                NormalizedConvolution(
                    "\(name).\(number)", Convolution3D(inputs: inputs, outputs: outputs, kernel: kernel, padding: padding),
                    architecture.normalization, &numbers)
            }
        }
        for level in 0..<architecture.levels {
            let channels = architecture.channels(level)
            encoder.append(block("encoder.\(level)", level == 0 ? 1 : architecture.channels(level - 1), channels))
            guard level > 0 else { continue }
            let finer = architecture.channels(level - 1)
            let window = architecture.upsampling == .transposed ? architecture.window : Extent3D(1)
            upsamplers.append(
                TransposedLayer(
                    "up.\(level - 1)", Convolution3D(inputs: finer, outputs: channels, kernel: window, stride: window),
                    overlap: 1, &numbers))
            decoder.append(block("decoder.\(level - 1)", 2 * finer, finer))
        }
        head = LogitLayer("head", inputs: architecture.width, outputs: architecture.classes, &numbers)
    }

    public var parameters: [NetworkParameter] {
        (encoder + decoder).joined().flatMap(\.parameters) + upsamplers.flatMap(\.parameters) + head.parameters
    }

    public var buffers: [NetworkParameter] { (encoder + decoder).joined().flatMap(\.buffers) }

    public func callAsFunction(_ x: Variable, on tape: Tape) -> Variable {
        var x = x
        var skipped: [Variable] = []
        for (level, block) in encoder.enumerated() {
            if level > 0 {
                skipped.append(x)
                x = tape.pooling(x, Pooling3D(.largest, window: unet.window))
            }
            for layer in block { x = layer(x, on: tape) }
        }
        for level in decoder.indices.reversed() {
            // Taken out, so that it goes when it has been used.
            let skip = skipped.removeLast()
            x = upsampled(x, level: level, extent: skip.value.extent, on: tape)
            x = tape.concatenation([skip, x])
            for layer in decoder[level] { x = layer(x, on: tape) }
        }
        return head(x, on: tape)
    }

    private func upsampled(_ x: Variable, level: Int, extent: Extent3D, on tape: Tape) -> Variable {
        switch unet.upsampling {
        case .transposed: return upsamplers[level](x, to: extent, on: tape)
        // A 1 × 1 convolution and an interpolation come to the same in any order, and this one is cheaper.
        case .linear: return tape.resized(upsamplers[level](x, to: x.value.extent, on: tape), to: extent)
        }
    }
}
