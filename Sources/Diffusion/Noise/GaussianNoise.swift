import Foundation
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

    private var state: UInt64

    public init(seed: UInt64, for purpose: Purpose) { state = seed &+ purpose.rawValue }

    /// The first numbers of the sequence, in the order of the tensor.
    public func tensor(shape: [Int]) -> Tensor {
        var copy = self
        return Tensor(shape: shape) { target in
            var index = 0
            while index < target.count {
                // The first is never 0, whose logarithm is infinite.
                let radius = (-2 * log(1 - copy.uniform())).squareRoot()
                let angle = 2 * Double.pi * copy.uniform()
                target.initializeElement(at: index, to: Float(radius * cos(angle)))
                if index + 1 < target.count { target.initializeElement(at: index + 1, to: Float(radius * sin(angle))) }
                index += 2
            }
        }
    }

    /// A number from 0 up to, not including, 1.
    mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
