public import Tensors

/// The values of `noise` in the scripts that make golden files: SplitMix64.
public func noise(_ seed: UInt64, _ shape: Int..., scale: Float = 1) -> Tensor { noise(seed, shape, scale: scale) }

public func noise(_ seed: UInt64, _ shape: [Int], scale: Float = 1) -> Tensor {
    Tensor(shape: shape) { buffer in
        for index in buffer.indices {
            var z = seed &+ UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            z ^= z >> 31
            buffer[index] = (Float(z >> 40) * 0x1p-23 - 1) * scale
        }
    }
}
