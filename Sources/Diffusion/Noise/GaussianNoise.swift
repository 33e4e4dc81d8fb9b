import Basics
public import Tensors

/// Numbers of the standard normal distribution that depend on a seed, on what they are for, and on nothing else.
///
/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) and the transform of Box and Muller (1958).
public struct GaussianNoise: Sendable {
    /// What numbers are drawn for.
    ///
    /// SplitMix64 goes through all 2⁶⁴ states in one cycle. Each purpose begins elsewhere in it, at least 2⁶¹ numbers from where
    /// any other does, whatever the seed: two purposes never draw the same numbers. The raw value is added to the seed.
    public enum Purpose: UInt64, CaseIterable, Sendable {
        /// The noise ε of all timesteps, one after the other.
        case timesteps = 0
        /// Which timesteps there are.
        case choiceOfTimesteps = 0x7469_6d65
        /// The latent that is drawn from an autoencoder's distribution.
        case latent = 0x4000_0000_0000_0000
    }

    private var stream: RandomStream

    public init(seed: UInt64, for purpose: Purpose) { stream = RandomStream(state: seed &+ purpose.rawValue) }

    /// The first numbers of the sequence, in the order of the tensor.
    public func tensor(shape: [Int]) -> Tensor {
        var stream = stream
        return Tensor(shape: shape) { target in
            for index in stride(from: 0, to: target.count, by: 2) {
                let pair = stream.normalPair()
                target.initializeElement(at: index, to: Float(pair.x))
                if index + 1 < target.count { target.initializeElement(at: index + 1, to: Float(pair.y)) }
            }
        }
    }

    /// A number from 0 up to, not including, 1.
    mutating func uniform() -> Double { stream.unit() }
}
