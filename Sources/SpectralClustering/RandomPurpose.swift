import Basics

/// What the target draws random numbers for. Each purpose begins at least 2⁶² numbers from any other in the cycle of 2⁶⁴ states of
/// SplitMix64, whatever the seed: two purposes never draw the same numbers. The raw value is added to the seed.
enum RandomPurpose: UInt64, CaseIterable {
    /// Pairs of tokens whose distances give the width of the Gaussian affinity.
    case pairsOfTokens = 0
    /// The vectors that the Lanczos process begins with, or goes on with.
    case startVectors = 0x4000_0000_0000_0000
    /// First weights of the reference loop's network.
    case weights = 0x8000_0000_0000_0000
}

extension RandomStream {
    init(seed: UInt64, for purpose: RandomPurpose) { self.init(state: seed &+ purpose.rawValue) }
}
