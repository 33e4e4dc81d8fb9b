import Basics

/// The purposes for which this target draws random numbers. The raw value is added to the seed. In the cycle of 2⁶⁴ states of
/// SplitMix64, each purpose begins at least 2⁶² numbers from any other, for every seed, so that two purposes never draw the same
/// numbers.
enum RandomPurpose: UInt64, CaseIterable {
    /// Pairs of tokens whose median distance sets the width of the Gaussian affinity.
    case pairsOfTokens = 0
    /// Vectors with which the Lanczos process begins, or continues where its remainder is zero.
    case startVectors = 0x4000_0000_0000_0000
    /// The first weights of the reference solver's network.
    case weights = 0x8000_0000_0000_0000
}

extension RandomStream {
    /// The random numbers of one purpose.
    init(seed: UInt64, for purpose: RandomPurpose) { self.init(state: seed &+ purpose.rawValue) }
}
