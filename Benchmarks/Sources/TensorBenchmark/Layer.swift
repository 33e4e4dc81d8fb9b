import Tensors

/// A layer of the U-Net or of the VAE's encoder, with the size that it has there.
enum Layer {
    case convolution(side: Int, inputs: Int, outputs: Int, images: Int = 1, stride: Int = 1)
    case linear(rows: Int, inputs: Int, outputs: Int)
    case gated(rows: Int, width: Int)
    case attention(tokens: Int, heads: Int, width: Int, keys: Int, collects: Bool = false)
    case groupNorm(side: Int, channels: Int)

    static let all: [Layer] =
        [
            (64, 320, 320), (64, 640, 320), (64, 960, 320), (64, 640, 640),
            (32, 640, 640), (32, 960, 640), (32, 1280, 640), (32, 1920, 640), (32, 1280, 1280),
            (16, 1280, 1280), (16, 1920, 1280), (16, 2560, 1280), (8, 1280, 1280), (8, 2560, 1280),
            (512, 128, 128), (256, 256, 256), (128, 512, 512), (64, 512, 512),
        ].map { .convolution(side: $0.0, inputs: $0.1, outputs: $0.2) } + [
            .convolution(side: 16, inputs: 1280, outputs: 1280, images: 4),
            .convolution(side: 64, inputs: 320, outputs: 320, stride: 2),
            .convolution(side: 16, inputs: 1280, outputs: 1280, stride: 2),
            .convolution(side: 64, inputs: 4, outputs: 320), .convolution(side: 512, inputs: 3, outputs: 128),
        ]
        + [(4096, 320), (1024, 640), (256, 1280), (64, 1280)].flatMap { rows, width -> [Layer] in
            [
                .linear(rows: rows, inputs: width, outputs: width), .linear(rows: rows, inputs: width, outputs: 8 * width),
                .gated(rows: rows, width: width), .linear(rows: rows, inputs: 4 * width, outputs: width),
            ]
        } + [.linear(rows: 77, inputs: 768, outputs: 320), .linear(rows: 1, inputs: 1280, outputs: 1280)]
        + [(4096, 8, 40), (1024, 8, 80), (256, 8, 160)].flatMap { tokens, heads, width -> [Layer] in
            [
                .attention(tokens: tokens, heads: heads, width: width, keys: tokens),
                .attention(tokens: tokens, heads: heads, width: width, keys: tokens, collects: true),
                .attention(tokens: tokens, heads: heads, width: width, keys: 77),
            ]
        } + [.attention(tokens: 4096, heads: 1, width: 512, keys: 4096)]
        + [.groupNorm(side: 64, channels: 320), .groupNorm(side: 512, channels: 128)]

    var name: String {
        switch self {
        case .convolution(let side, let inputs, let outputs, let images, let stride):
            "conv \(side)² \(inputs)→\(outputs)" + (images > 1 ? " ×\(images)" : "") + (stride > 1 ? " stride \(stride)" : "")
        case .linear(let rows, let inputs, let outputs): "linear \(rows) \(inputs)→\(outputs)"
        case .gated(let rows, let width): "linear \(rows) \(width)→\(8 * width) gated GELU"
        case .attention(let tokens, let heads, let width, let keys, let collects):
            "attention \(tokens)×\(keys) \(heads)×\(width)" + (collects ? " collected" : "")
        case .groupNorm(let side, let channels): "group norm + SiLU \(side)² \(channels)"
        }
    }

    /// Floating-point operations of the plain algorithm, two for each product.
    var operations: Double {
        switch self {
        case .convolution(let side, let inputs, let outputs, let images, let stride):
            18 * Double(images * side * side / stride / stride) * Double(inputs * outputs)
        case .linear(let rows, let inputs, let outputs): 2 * Double(rows * inputs) * Double(outputs)
        case .gated(let rows, let width): 16 * Double(rows * width) * Double(width)
        case .attention(let tokens, let heads, let width, let keys, _): 4 * Double(tokens * keys) * Double(heads * width)
        case .groupNorm(let side, let channels): 8 * Double(side * side * channels)
        }
    }

    /// The layer with random weights, ready to run on random inputs.
    func prepared(_ arithmetic: Arithmetic) -> () -> Void {
        switch self {
        case .convolution(let side, let inputs, let outputs, let images, let stride):
            let layer = Convolution2D(
                weight: noise([outputs, inputs, 3, 3], 0.01), bias: noise([outputs], 0.1), stride: stride, padding: Padding2D(1),
                arithmetic: arithmetic)
            let x = noise([images, side, side, inputs], 1)
            return { consume(layer(x)) }
        case .linear(let rows, let inputs, let outputs):
            let layer = Linear(weight: noise([outputs, inputs], 0.01), bias: noise([outputs], 0.1), arithmetic: arithmetic)
            let x = noise([rows, inputs], 1)
            return { consume(layer(x)) }
        case .gated(let rows, let width):
            let layer = Linear(weight: noise([8 * width, width], 0.01), bias: noise([8 * width], 0.1), arithmetic: arithmetic)
            let x = noise([rows, width], 1)
            return { consume(layer.gatedGELU(x)) }
        case .attention(let tokens, let heads, let width, let keys, let collects):
            let layer = Attention(heads: heads, arithmetic: arithmetic)
            let query = noise([1, tokens, heads * width], 1)
            let (key, value) = (noise([1, keys, heads * width], 1), noise([1, keys, heads * width], 1))
            let sums = collects ? AffinityAccumulator(tokens: tokens) : nil
            return { consume(layer(query: query, key: key, value: value, accumulatingInto: sums)) }
        case .groupNorm(let side, let channels):
            let layer = GroupNorm(groups: 32, epsilon: 1e-5, weight: noise([channels], 1), bias: noise([channels], 1))
            let x = noise([1, side, side, channels], 1)
            return { consume(layer(x, activation: .silu)) }
        }
    }

    private func noise(_ shape: [Int], _ scale: Float) -> Tensor {
        var state: UInt32 = 1
        return Tensor(shape: shape) { buffer in
            for index in buffer.indices {
                state = state &* 1_664_525 &+ 1_013_904_223
                buffer[index] = (Float(state >> 8) * 0x1p-23 - 1) * scale
            }
        }
    }

    @inline(never)
    private func consume(_ tensor: Tensor) {}
}
