import Foundation
import Tensors

/// First weights, all from one seed.
struct WeightInitialization {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// Normal, of variance 2 / inputs of a sum (He et al., ICCV 2015).
    mutating func kaiming(_ shape: [Int]) -> Tensor {
        let inner = shape.dropFirst().reduce(1, *)
        return normal(shape, deviation: (2 / Double(max(inner, 1))).squareRoot())
    }

    mutating func normal(_ shape: [Int], deviation: Double) -> Tensor {
        Tensor(shape: shape) { values in
            for index in values.indices {
                // Box and Muller's transform; one of the two numbers is enough.
                let (u, v) = (1 - uniform(), uniform())
                values[index] = Float(deviation * (-2 * log(u)).squareRoot() * cos(2 * .pi * v))
            }
        }
    }

    /// In [0, 1), by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    private mutating func uniform() -> Double {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((z ^ (z >> 31)) >> 11) * 0x1p-53
    }
}
