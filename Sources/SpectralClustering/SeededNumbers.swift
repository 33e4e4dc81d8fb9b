/// Numbers that a seed determines: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
struct SeededNumbers {
    /// What numbers are drawn for. Each purpose begins at least 2⁶² numbers from any other in the cycle of 2⁶⁴ states, whatever
    /// the seed. The raw value is added to the seed.
    enum Purpose: UInt64, CaseIterable {
        /// Pairs of tokens whose distances give the width of the Gaussian affinity.
        case pairsOfTokens = 0
        /// The vectors that the Lanczos process begins with, or goes on with.
        case startVectors = 0x4000_0000_0000_0000
        /// First weights of the reference loop's network.
        case weights = 0x8000_0000_0000_0000
    }

    private var state: UInt64

    init(seed: UInt64, for purpose: Purpose) { state = seed &+ purpose.rawValue }

    /// All of 64 bits.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Evenly spread over −1 ..< 1, multiples of 2⁻²³.
    mutating func signed() -> Float { Float(next() >> 40) * 0x1p-23 - 1 }

    /// Evenly spread over 0 ..< bound, up to a bias of bound / 2⁶⁴.
    ///
    /// - Precondition: a positive bound.
    mutating func index(below bound: Int) -> Int { Int(UInt64(bound).multipliedFullWidth(by: next()).high) }
}
