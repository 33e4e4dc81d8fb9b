import Basics
import Tensors

/// First weights, all from one seed.
struct WeightInitialization {
    private var random: RandomStream

    init(seed: UInt64) { random = RandomStream(seed: seed) }

    /// Normal, of variance 2 / inputs of a sum (He et al., ICCV 2015).
    mutating func kaiming(_ shape: [Int]) -> Tensor {
        let inner = shape.dropFirst().reduce(1, *)
        return normal(shape, deviation: (2 / Double(max(inner, 1))).squareRoot())
    }

    mutating func normal(_ shape: [Int], deviation: Double) -> Tensor {
        Tensor(shape: shape) { values in
            for index in values.indices { values[index] = Float(deviation * random.normal()) }
        }
    }
}
