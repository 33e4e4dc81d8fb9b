internal import Basics
public import Tensors

/// The values of `noise` in the scripts that make golden files: SplitMix64.
public func noise(_ seed: UInt64, _ shape: Int..., scale: Float = 1) -> Tensor { noise(seed, shape, scale: scale) }

public func noise(_ seed: UInt64, _ shape: [Int], scale: Float = 1) -> Tensor {
    var stream = RandomStream(state: seed)
    return Tensor(shape: shape) { buffer in
        for index in buffer.indices { buffer[index] = stream.signedUnit() * scale }
    }
}
